"""What a list is worth under the simulator's truth, and whether an answer keeps to its filters. Pure functions.

Click-through is the simulator's own model of lists (`local.simulator.exposure`): for a shopper in a visit whose
category is c, an article i that stands at place k (0 the first) is clicked with (k + 1)^−0.7 · σ(z(user, c, i)). The
click-through of a list is the mean over `PLACES` places; a place left empty is never clicked.

Demand is the choice of what to look at (`local.simulator.choice`) whatever the visit: the sum of P(item | user) over
the list, whose order has no meaning then: the share of all that the shopper will ever look at that stands in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.simulator.catalog import CATEGORIES, Catalog
from local.simulator.exposure import Lists, examined

PLACES = 10
Floats = NDArray[np.float64]


def attractions(lists: Lists, user: int, category: int) -> Floats:
    """σ(z): the chance that an article that is looked at is clicked, of every article, first shown in this visit."""
    z: Floats = np.array([lists.attraction(user, category, item, 0) for item in range(len(lists.catalog.ids))])
    chance: Floats = 1.0 / (1.0 + np.exp(-z))
    return chance


def click_through(attraction: Floats, shown: Sequence[int]) -> float:
    """Expected clicks a place of a list of `PLACES`."""
    return sum(examined(place) * float(attraction[item]) for place, item in enumerate(shown[:PLACES])) / PLACES


def best(attraction: Floats, catalog: Catalog) -> list[int]:
    """The list with the highest click-through of what is in stock."""
    able = np.where(np.array(catalog.stock) > 0, attraction, -1.0)
    return [int(item) for item in np.argsort(-able, kind="stable")[:PLACES]]


def demand(chances: Floats, shown: Sequence[int]) -> float:
    """The share of the shopper's choices that the list covers."""
    return float(chances[list(dict.fromkeys(shown[:PLACES]))].sum())


@dataclass(frozen=True)
class Ask:
    """Filters of a request; None: none. A category stands for itself and all below it."""

    category: str | None = None
    low: float | None = None
    high: float | None = None

    def parameters(self) -> dict[str, Any]:
        """As the API takes them."""
        given = {"category": self.category, "min_price": self.low, "max_price": self.high}
        return {name: value for name, value in given.items() if value is not None}


def draw_filters(rng: np.random.Generator, catalog: Catalog) -> Ask:
    """A category or department, a price range with one or both ends, or both kinds: each as likely."""
    path = CATEGORIES[int(rng.integers(len(CATEGORIES)))][0]
    top = path if rng.random() < 0.5 else path.partition("/")[0]
    low, high = sorted(round(float(price), 2) for price in rng.choice(np.array(catalog.price), 2))
    kind, ends = rng.integers(3), rng.integers(3)
    category = top if kind != 1 else None
    if kind == 0:
        return Ask(category)
    return Ask(category, None if ends == 1 else low, None if ends == 2 else high)


def broken(asked: Ask, shown: Sequence[int], catalog: Catalog) -> int:
    """How many of the items the filters should have kept out, by the catalogue that was sent."""
    return sum(not _kept(asked, CATEGORIES[catalog.category[item]][0], catalog.price[item]) for item in shown)


def _kept(asked: Ask, path: str, price: float) -> bool:
    inside = asked.category is None or f"{path}/".startswith(f"{asked.category}/")
    return inside and (asked.low is None or price >= asked.low) and (asked.high is None or price <= asked.high)


def mean_ratio(ours: Mapping[int, float], theirs: Mapping[int, float], users: Sequence[int]) -> float | None:
    """The mean of one by that of the other over the same users; None without any."""
    return None if not users else sum(ours[user] for user in users) / sum(theirs[user] for user in users)
