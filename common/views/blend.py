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
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

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


Ranked = tuple[float, str, Candidate, float]  # minus what is left of the score, item, candidate, what was lost


def blend(
    candidates: Iterable[Candidate], surface: SurfaceConfig, limit: int, explore: Explore
) -> list[Recommendation]:
    """The best `limit`, best first, with what each signal contributed."""
    weights: Mapping[str, float] = surface.weights  # type: ignore[assignment]
    scored = [
        (-math.fsum([weights[name] * value for name, value in candidate.signals.items()]), candidate.item_id, candidate)
        for candidate in candidates
    ]
    scored.sort(key=_order)
    ranked = _spread(scored, surface.diversity) if surface.diversity > 0 else [(*one, 0.0) for one in scored]
    page = [_recommended(one, weights) for one in ranked[:limit]]
    tail = ranked[limit : limit + TAIL]
    return _explored(page, tail, surface, explore)


def _spread(scored: list[tuple[float, str, Candidate]], diversity: float) -> list[Ranked]:
    """Minus what is left of the score, and what was lost for repeating a category; an unknown one repeats nothing."""
    before: dict[str, int] = {}
    left = []
    for minus, item, candidate in scored:
        k = before.get(candidate.category, 0) if candidate.category else 0
        before[candidate.category] = k + 1
        loss = diversity * k / (k + HALF)
        left.append((minus + loss, item, candidate, loss))
    left.sort(key=_order)
    return left


def _order(one: tuple[Any, ...]) -> tuple[float, str]:
    return one[0], one[1]


def _recommended(one: Ranked, weights: Mapping[str, float]) -> Recommendation:
    minus, item, candidate, loss = one
    parts = {name: weights[name] * value for name, value in candidate.signals.items() if value}
    if loss:
        parts[DIVERSITY] = -loss
    return Recommendation(item, -minus, parts)


def _explored(
    page: list[Recommendation], tail: list[Ranked], surface: SurfaceConfig, explore: Explore
) -> list[Recommendation]:
    limit = len(page)
    if surface.exploration <= 0 or not tail or limit < explore.first:
        return page
    chance = random.Random(explore.seed)
    for place in range(explore.first - 1, limit):
        if tail and chance.random() < surface.exploration:
            drawn = _recommended(tail.pop(chance.randrange(len(tail))), surface.weights)  # type: ignore[arg-type]
            lift, score = page[place].score - drawn.score, page[place].score
            page.insert(place, Recommendation(drawn.item_id, score, drawn.parts | {EXPLORATION: lift}))
            page.pop()
    return page
