"""Scores for the next item of a session: a few signals of each candidate, weighed by a conditional logit.

Signals are of two kinds: ln(1 + share / 10⁻⁴), the share an item has of what a source says in all; and ln(1 + value),
how much the source knows. Sources: session neighbours, transitions, walks, popularity over four half-lives, and where
the item stood in the session itself (what was just seen is often seen again); vectors say a cosine as it is. All are 0
or more, so a score is the sum of its signals' contributions, and that is what an explanation shows. The weights are
fitted on the newest sessions (`common.models.next_item_fit`), none is set by hand.
"""

from dataclasses import dataclass

import numpy as np

from common.models.session_index import SessionIndex
from common.models.session_neighbours import NONE, Fresh, neighbours
from common.models.sparse_rows import Floats, Ints

SHARE = 1e-4
MOST_RULED = 20
LAST = 50  # actions of the session that count, the newest
RECENT = 10  # different items of them, the newest, whose neighbours count
EARLIER = 5  # of them those whose transitions count
AGAIN = 4  # places that have a weight of their own
WALKS = ("near2", "near2-earlier", "near3", "near3-earlier")
LISTS = ("neighbours", "next", "after", "after-earlier", "before", "before-earlier", *WALKS)
AMOUNTS = ("neighbours", "after", "before", "near2")
ALIKE = ("alike", "alike-session")
ALIKE_FADE = 0.7  # of the session's vectors, an item
POPULAR = ("popular-day", "popular-week", "popular-month", "popular")
SEEN = ("again-1", "again-2", "again-3", "again-4", "again-earlier", "again-count", "again-share")
RULES = ("rules-place",)
SIGNALS = (*LISTS, *(f"{name}-amount" for name in AMOUNTS), *ALIKE, *POPULAR, *SEEN, *RULES)
Source = tuple[Ints, Floats]


@dataclass(frozen=True)
class Candidates:
    """Items and, a column each in the order of `SIGNALS`, what speaks for them."""

    items: Ints
    signals: Floats


def candidates(index: SessionIndex, session: Ints, fresh: Fresh = NONE) -> Candidates:
    """Candidates for a session of item numbers, newest last; a number beyond the index's is an item it doesn't know."""
    session = session[-LAST:]
    seen = distinct(session)
    sources, ruled = _sources(index, seen[:RECENT], fresh), by_rules(index, seen)
    ids = np.concatenate([seen, index.favourites, ruled, *(ids for ids, _ in sources)])
    known = np.zeros(max(index.n_items, int(ids.max(initial=0)) + 1), bool)
    known[ids] = True
    items = np.flatnonzero(known)
    place = np.empty(len(known), np.int32)
    place[items] = np.arange(len(items))
    values = _gathered(sources, place, len(items))
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-12)
    amounts = values[[LISTS.index(name) for name in AMOUNTS]]
    popular, alike = np.zeros((len(items), len(POPULAR))), np.zeros((len(items), len(ALIKE)))
    old = items < index.n_items
    popular[old] = np.log1p(index.popular[items[old]])
    alike[old] = _alike(index, seen, items[old])
    again = _again(session, seen, place[seen], len(items))
    ranked = np.zeros((len(items), len(RULES)))
    ranked[place[ruled], 0] = np.log((MOST_RULED + 1) / np.arange(1, len(ruled) + 1))
    signals = [np.log1p(shares.T / SHARE), np.log1p(amounts.T), alike, popular, again, ranked]
    return Candidates(items, np.hstack(signals))


def best(found: Candidates, weights: Floats, n: int) -> list[tuple[int, float]]:
    """The n items of highest score, best first; equals in the order of their numbers."""
    scores = found.signals @ weights
    if len(scores) > n:
        least = np.partition(scores, len(scores) - n)[len(scores) - n]
        kept = np.flatnonzero(scores >= least)
    else:
        kept = np.arange(len(scores))
    order = kept[np.argsort(-scores[kept], kind="stable")[:n]]
    return list(zip(found.items[order].tolist(), scores[order].tolist(), strict=True))


def distinct(session: Ints) -> Ints:
    """The session's items once each, newest first."""
    _, first = np.unique(session[::-1], return_index=True)
    return session[::-1][np.sort(first)]


def by_rules(index: SessionIndex, seen: Ints) -> Ints:
    """ "Recent items, then sequential rules": what was seen, newest first, then what followed the newest, of all time;
    the first `MOST_RULED`. A baseline of its own (Ludewig & Jannach 2018) that is hard to beat where sessions repeat
    themselves, so that the blend holds it whole."""
    if not len(seen) or seen[0] >= index.n_items:
        return seen[:MOST_RULED]
    followers = index.rules.ids[index.rules.offsets[seen[0]] : index.rules.offsets[seen[0] + 1]]
    return np.concatenate([seen, followers[~np.isin(followers, seen)]])[:MOST_RULED]


def _sources(index: SessionIndex, seen: Ints, fresh: Fresh) -> list[Source]:
    """Item numbers and values in the order of `LISTS`."""
    known = seen < index.n_items
    rarity = np.full(len(seen), index.rarity.max(initial=0.0))  # one the index doesn't know is rare
    rarity[known] = index.rarity[seen[known]]
    found = neighbours(index, seen, rarity, fresh)
    sources = [(found.items, found.faded(0.8)), (found.items, found.faded(0.4))]
    since = known[: EARLIER + 1].nonzero()[0]
    near, weights = seen[since], 1.0 / np.maximum(since, 1)
    for rows in (index.after, index.before, index.near2, index.near3):
        ids, values = rows.of(near, weights)
        of_last = int(rows.offsets[near[0] + 1] - rows.offsets[near[0]]) if len(near) and since[0] == 0 else 0
        sources += [(ids[:of_last], values[:of_last]), (ids[of_last:], values[of_last:])]
    return sources


def _alike(index: SessionIndex, seen: Ints, items: Ints) -> Floats:
    """Cosines to the last item and to the session, an item counting `ALIKE_FADE` of the one after it; 0 at least."""
    fades = ALIKE_FADE ** np.arange(len(seen))
    known = (seen < index.n_items).nonzero()[0]
    weights = np.stack([known == 0, fades[known] / fades.sum()]).astype(np.float32)
    directions = weights @ index.vectors[seen[known]]
    return np.asarray(np.maximum(index.vectors[items] @ directions.T, 0))


def _gathered(sources: list[Source], place: Ints, n: int) -> Floats:
    """Sums of the values, sources × candidates."""
    at = np.concatenate([place[ids] + row * n for row, (ids, _) in enumerate(sources)])
    values = np.concatenate([values for _, values in sources])
    return np.asarray(np.bincount(at, values, len(sources) * n), float).reshape(len(sources), n)


def _again(session: Ints, seen: Ints, places: Ints, n: int) -> Floats:
    """Where in the session the candidate stood: one of the newest places, or 1 / (items since); how often."""
    signals = np.zeros((n, len(SEEN)))
    since = np.arange(len(seen))
    newest = since < AGAIN
    signals[places[newest], since[newest]] = 1.0
    signals[places[~newest], AGAIN] = 1.0 / since[~newest]
    signals[places, AGAIN + 1] = (session[None, :] == seen[:, None]).sum(axis=1) - 1
    signals[places, AGAIN + 2] = 1.0 / max(1, len(seen))
    return signals
