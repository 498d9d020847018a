"""For You: candidates × profile → recommendations, with what each signal contributed.

| signal | contribution |
|---|---|
| als | the ALS score over the user's best ALS score (0 for an item that ALS did not propose) |
| category | category_boost · ½(the category's weight in the profile + 1 if it is the category being viewed) |
| price | price_weight · 1 inside the price band, the ratio to its nearer end outside it |
| trend | trend_weight · the item's score in the popular ranking over the ranking's best |
| recent | recent_weight · similarity to the last items seen: same style ½, brand ¼, category ¼ |

The score is the sum of the contributions. Ties go by item id, so the same input gives the same list. Items
bought, withdrawn or outside the filters never appear; with a price filter, neither does an item without a
known price.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common.config import RecommendConfig
from common.views.profile import Profile

RECENT_ITEMS = 5
SEEN = ("view", "click", "cart_add", "wish_add")


@dataclass(frozen=True)
class Product:
    """What the product cache knows of an item."""

    category: str = ""
    price: float | None = None
    style: str = ""
    brand: str = ""
    active: bool = True
    in_stock: bool = True
    launch_day: int | None = None  # days since 1970-01-01


@dataclass(frozen=True)
class Filters:
    """What a caller asks to see; None: anything."""

    category: str | None = None
    min_price: float | None = None
    max_price: float | None = None

    def admit(self, product: Product) -> bool:
        """Whether the product may be shown."""
        if not product.active or (self.category is not None and product.category != self.category):
            return False
        if self.min_price is None and self.max_price is None:
            return True
        low = 0.0 if self.min_price is None else self.min_price
        high = math.inf if self.max_price is None else self.max_price
        return product.price is not None and low <= product.price <= high


class Recommendation(NamedTuple):
    """One item; `parts` is what each signal contributed, adding up to `score`."""

    item_id: str
    score: float
    parts: dict[str, float]

    @property
    def reasons(self) -> list[tuple[str, float]]:
        """(signal, contribution), the largest first; signals without one are left out."""
        given = [(signal, value) for signal, value in self.parts.items() if value > 0]
        return sorted(given, key=lambda reason: (-reason[1], reason[0]))


def seen_items(profile: Profile) -> list[str]:
    """The last different items the user looked at, newest first."""
    seen = dict.fromkeys(a.item_id for a in profile.actions if a.item_id and a.event_type in SEEN)
    return list(seen)[:RECENT_ITEMS]


def for_you(
    als: Mapping[str, float],
    candidates: Mapping[str, Product],
    seen: Mapping[str, Product],
    trends: Mapping[str, float],
    profile: Profile,
    bought: Iterable[str],
    filters: Filters,
    config: RecommendConfig,
) -> list[Recommendation]:
    """Every admissible candidate, best first. `als` maps items to their scores, `seen` holds the items seen
    last, newest first, `trends` the popularity of items, 0 to 1."""
    excluded = profile.purchased | set(bought)
    top = max(als.values(), default=0.0)
    last = list(seen.items())
    found = []
    for item, product in candidates.items():
        if item in excluded or not filters.admit(product):
            continue
        parts = {
            "als": max(als.get(item, 0.0), 0.0) / top if top > 0 else 0.0,
            "category": config.category_boost * _category_fit(product, profile),
            "price": config.price_weight * price_fit(product.price, profile.price_band),
            "trend": config.trend_weight * trends.get(item, 0.0),
            "recent": config.recent_weight * _similarity(item, product, last),
        }
        found.append(Recommendation(item, math.fsum(parts.values()), parts))
    return sorted(found, key=lambda recommendation: (-recommendation.score, recommendation.item_id))


def _category_fit(product: Product, profile: Profile) -> float:
    if not product.category:
        return 0.0
    weight = profile.categories.get(product.category, 0.0)
    return 0.5 * (weight + (product.category == profile.current_category))


def price_fit(price: float | None, band: Mapping[str, float | None]) -> float:
    """1 inside the band, falling with the ratio to its nearer end outside it; 0 where either is unknown."""
    low, high = band.get("low"), band.get("high")
    if price is None or price <= 0 or low is None or high is None:
        return 0.0
    return min(1.0, price / low, high / price)


def _similarity(item: str, product: Product, seen: Sequence[tuple[str, Product]]) -> float:
    """0 to 1: agreement with the items seen last, each weighing half of the one after it."""
    total = agreed = 0.0
    for place, (other, known) in enumerate(seen):
        weight = 0.5**place
        total += weight
        if other != item:
            agreed += weight * _agreement(product, known)
    return agreed / total if total else 0.0


def _agreement(one: Product, other: Product) -> float:
    style = bool(one.style) and one.style == other.style
    brand = bool(one.brand) and one.brand == other.brand
    category = bool(one.category) and one.category == other.category
    return 0.5 * style + 0.25 * brand + 0.25 * category
