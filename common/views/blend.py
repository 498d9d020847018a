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

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np

from common.config_surfaces import SurfaceConfig
from common.views.offers import Floats, Ints

DIVERSITY, EXPLORATION = "diversity", "exploration"
HALF = 4  # the fifth item of a category has lost half of `diversity`
TAIL = 100


class Candidates(NamedTuple):
    """Items that may be shown, the numbers of their categories (0: unknown), and what is known for or against each: a
    column a signal, in the order of the items."""

    items: Sequence[str]
    categories: Ints
    signals: Mapping[str, Floats]


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


@dataclass(frozen=True)
class _Scored:
    """`parts` as columns, and their sum."""

    items: Sequence[str]
    parts: Mapping[str, Floats]
    scores: Floats

    def order(self) -> Ints:
        """The rows, best first. To order texts costs more than all the rest: it is done where there are ties."""
        order = np.argsort(-self.scores, kind="stable")
        ranked = self.scores[order]
        if (ranked[1:] == ranked[:-1]).any():
            by_item = np.array(sorted(range(len(self.items)), key=self.items.__getitem__))
            order = by_item[np.argsort(-self.scores[by_item], kind="stable")]
        return order

    def of(self, rows: Ints) -> list[Recommendation]:
        """The rows as they are shown."""
        columns = [(name, part[rows].tolist()) for name, part in self.parts.items()]
        return [
            Recommendation(self.items[row], score, {name: part[n] for name, part in columns if part[n]})
            for n, (row, score) in enumerate(zip(rows.tolist(), self.scores[rows].tolist(), strict=True))
        ]


def blend(candidates: Candidates, surface: SurfaceConfig, limit: int, explore: Explore) -> list[Recommendation]:
    """The best `limit`, best first, with what each signal contributed."""
    weights: Mapping[str, float] = surface.weights  # type: ignore[assignment]
    parts = {name: weights[name] * column for name, column in candidates.signals.items()}
    scored = _Scored(candidates.items, parts, sum(parts.values(), np.zeros(len(candidates.items))))
    if surface.diversity > 0:
        scored = _spread(scored, candidates.categories, surface.diversity)
    order = scored.order()
    return _explored(scored, order[:limit], order[limit : limit + TAIL].tolist(), surface.exploration, explore)


def _spread(scored: _Scored, categories: Ints, diversity: float) -> _Scored:
    """Less what is lost for repeating a category; an unknown one repeats nothing."""
    order = scored.order()
    before: defaultdict[int, count[int]] = defaultdict(count)
    k = np.array([next(before[category]) if category else 0 for category in categories[order].tolist()], float)
    loss = np.empty(len(k))
    loss[order] = diversity * k / (k + HALF)
    return _Scored(scored.items, {**scored.parts, DIVERSITY: -loss}, scored.scores - loss)


def _explored(
    scored: _Scored, rows: Ints, tail: list[int], exploration: float, explore: Explore
) -> list[Recommendation]:
    page = scored.of(rows)
    limit = len(page)
    if exploration <= 0 or not tail or limit < explore.first:
        return page
    chance = random.Random(explore.seed)
    for place in range(explore.first - 1, limit):
        if tail and chance.random() < exploration:
            (drawn,) = scored.of(np.array([tail.pop(chance.randrange(len(tail)))]))
            lift, score = page[place].score - drawn.score, page[place].score
            page.insert(place, Recommendation(drawn.item_id, score, drawn.parts | {EXPLORATION: lift}))
            page.pop()
    return page
