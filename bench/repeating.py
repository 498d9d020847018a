"""Sessions in which the next item is, more often than not, one already seen: people compare a few and go back.

Made, as no such data set may be shipped: Tmall's and other long sessions are like this. A shopper stays in one
category; of their steps `AGAIN` lead back to an item seen before (the n-th newest with a chance ~ n^−`TAIL`), others on
to one of the item's `FOLLOWERS`, else to a popular one.
"""

import bisect
import random
from itertools import accumulate

ITEMS, CATEGORIES, FOLLOWERS = 4000, 80, 8
AGAIN, TAIL, ON, MEAN, LONGEST = 0.5, 0.7, 0.7, 14, 60
Session = list[str]


def sessions(n: int, seed: int = 7) -> list[Session]:
    """So many sessions of 2 to `LONGEST` items, the same for a seed."""
    chance = random.Random(seed)
    categories = [range(first, ITEMS, CATEGORIES) for first in range(CATEGORIES)]
    followers = [chance.sample(categories[item % CATEGORIES], FOLLOWERS) for item in range(ITEMS)]
    return [_session(chance, categories[_by_rank(chance, CATEGORIES, 0.6)], followers) for _ in range(n)]


def questions(asked: list[Session], most: int) -> list[tuple[Session, str]]:
    """(prefix, next item) of these sessions, at most some so many, evenly."""
    steps = [(session[:n], session[n]) for session in asked for n in range(1, len(session))]
    return steps[:: max(1, len(steps) // most)]


def _session(chance: random.Random, category: range, followers: list[list[int]]) -> Session:
    length = max(2, min(LONGEST, 1 + int(chance.expovariate(1 / MEAN))))
    seen = [category[_by_rank(chance, len(category), 0.8)]]  # newest first
    steps = [seen[0]]
    while len(steps) < length:
        if len(seen) > 1 and chance.random() < AGAIN:
            item = seen[1 + _by_rank(chance, len(seen) - 1, TAIL)]
        elif chance.random() < ON:
            item = followers[seen[0]][_by_rank(chance, FOLLOWERS, 1.0)]
        else:
            item = category[_by_rank(chance, len(category), 0.8)]
        if item != seen[0]:
            seen = [item, *(other for other in seen if other != item)]
            steps.append(item)
    return [f"i{item}" for item in steps]


def _by_rank(chance: random.Random, n: int, power: float) -> int:
    """One of 0 … n − 1, n with a chance ~ (n + 1)^−power."""
    sums = list(accumulate((place + 1) ** -power for place in range(n)))
    return min(n - 1, bisect.bisect(sums, chance.random() * sums[-1]))
