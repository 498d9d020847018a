"""Blending: candidates with named signals → the list that is shown. Every surface ends here.

1. Score: Σ weight of the signal · its value. What adds nothing is no part of it.
2. Diversity: of the items of one category the second, third, … (k = 1, 2, …) lose `diversity` · k / (k + `HALF`). That
   is greedy maximal marginal relevance (Carbonell, Goldstein, SIGIR 1998) with "same category" as the similarity: as
   the loss depends on the place within the category alone, ordering once by what is left gives the same list.
3. Exploration: each rank from `explore_from` on goes, with the chance `exploration`, to an item drawn from the
   `TAIL` below the page. It is lifted to the score of the item it goes before.

Diversity (negative) and exploration are parts of the score like the signals, so the parts add up to the score and the
list is in the order of its scores. Ties go by item id. The same input and seed give the same list.
"""

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from common.config_surfaces import SurfaceConfig

DIVERSITY, EXPLORATION = "diversity", "exploration"
HALF = 4  # the fifth item of a category has lost half of `diversity`
TAIL = 100


class Candidate(NamedTuple):
    """An item that may be shown, and what is known for or against it, by signal."""

    item_id: str
    category: str
    signals: Mapping[str, float]


class Recommendation(NamedTuple):
    """One item; `parts` is what each signal contributed, adding up to `score`."""

    item_id: str
    score: float
    parts: dict[str, float]

    @property
    def explored(self) -> bool:
        """Whether it was drawn, not ranked."""
        return EXPLORATION in self.parts

    @property
    def reasons(self) -> list[tuple[str, float]]:
        """(signal, contribution), the largest first; 0 only where the item was explored."""
        given = [(signal, value) for signal, value in self.parts.items() if value or signal == EXPLORATION]
        return sorted(given, key=lambda reason: (-reason[1], reason[0]))


class Explore(NamedTuple):
    """What the draw depends on: the same `seed` draws the same. `first` is the first rank that may be given away."""

    seed: str
    first: int


def blend(
    candidates: Iterable[Candidate], surface: SurfaceConfig, limit: int, explore: Explore
) -> list[Recommendation]:
    """The best `limit`, best first, with what each signal contributed."""
    weights: Mapping[str, float] = surface.weights  # type: ignore[assignment]
    scored = []
    for item, category, signals in candidates:
        parts = {name: weights[name] * value for name, value in signals.items() if value}
        scored.append((-math.fsum(parts.values()), item, category, parts))
    scored.sort(key=lambda one: one[:2])
    if surface.diversity > 0:
        scored = _spread(scored, surface.diversity)
    ranked = [Recommendation(item, -minus, parts) for minus, item, _, parts in scored[: limit + TAIL]]
    return _explored(ranked, surface.exploration, limit, explore)


def _spread(
    scored: list[tuple[float, str, str, dict[str, float]]], diversity: float
) -> list[tuple[float, str, str, dict[str, float]]]:
    """What repeats a category loses; an unknown category repeats nothing."""
    before: Counter[str] = Counter()
    left = []
    for minus, item, category, parts in scored:
        k = before[category] if category else 0
        before[category] += 1
        loss = diversity * k / (k + HALF)
        left.append((minus + loss, item, category, parts | {DIVERSITY: -loss} if k else parts))
    left.sort(key=lambda one: one[:2])
    return left


def _explored(ranked: list[Recommendation], rate: float, limit: int, explore: Explore) -> list[Recommendation]:
    page, tail = ranked[:limit], ranked[limit:]
    if rate <= 0 or not tail or limit < explore.first:
        return page
    chance = random.Random(explore.seed)
    for place in range(explore.first - 1, limit):
        if tail and chance.random() < rate:
            drawn = tail.pop(chance.randrange(len(tail)))
            lift = page[place].score - drawn.score
            page.insert(place, Recommendation(drawn.item_id, page[place].score, drawn.parts | {EXPLORATION: lift}))
            page.pop()
    return page
