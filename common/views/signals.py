"""What is known for or against showing an item to somebody, each a number from 0 to 1 (`seen`: 0 to −1).

| signal | value |
|---|---|
| als | the model's score over the best one of the list |
| alike | agreement with the item at hand: style ½, brand ¼, price ¼ |
| category | ½ · (the category's weight in the profile + 1 if it is the category being viewed) |
| complement | 1 for another category than those of the items at hand |
| ctr | chance of a click by the click-through model over the best of the candidates |
| fresh | 2^(−days since the launch / `recommend.fresh_days`); 0 where the launch is unknown |
| price | 1 inside the price band, the ratio to its nearer end outside it |
| recent | agreement with the last items seen: style ½, brand ¼, category ¼ |
| rising, trend | score in `popular-30m`, in `popular`, over the ranking's best |
| seen | −n / (n + `TIRED`) after n looks at it: who has looked three times and not bought is half tired of it |
| session | how strongly the sessions of others that are like this one lead there |
| style | share of the style in what the user looks at |
| together | √ of the log-likelihood ratio of both occurring together, over the list's best (job `related`) |
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from common.views.actions import Action
from common.views.offers import Product

RECENT_ITEMS = 5
LOOKS = ("view", "click", "cart_add", "wish_add")
TIRED = 3


def seen_items(actions: Iterable[Action], most: int = RECENT_ITEMS) -> list[str]:
    """The last different items that somebody looked at; `actions` newest first, as is what comes out."""
    seen: dict[str, None] = {}
    for action in actions:
        if action.item_id and action.event_type in LOOKS:
            seen[action.item_id] = None
            if len(seen) == most:
                break
    return list(seen)


def looks(actions: Iterable[Action]) -> Counter[str]:
    """How often somebody looked at each item."""
    return Counter(action.item_id for action in actions if action.event_type in ("view", "click"))


def tired(times: int) -> float:
    """`seen` after so many looks."""
    return -times / (times + TIRED)


def category_fit(category: str, weights: Mapping[str, float], current: str | None) -> float:
    """`category`; 0 for an unknown one."""
    return 0.5 * (weights.get(category, 0.0) + (category == current)) if category else 0.0


def price_fit(price: float | None, band: Mapping[str, float | None]) -> float:
    """1 inside the band, falling with the ratio to its nearer end outside it; 0 where either is unknown or free."""
    low, high = band.get("low"), band.get("high")
    if price is None or price <= 0 or low is None or low <= 0 or high is None:
        return 0.0
    return min(1.0, price / low, high / price)


class Recent:
    """`recent`: agreement with the items seen last, newest first, each weighing half of the one after it.

    The weights of each style, brand and category are summed once, so that an item costs three look-ups.
    """

    def __init__(self, seen: Iterable[tuple[str, Product]]) -> None:
        self._own: dict[str, float] = {}
        self._styles: defaultdict[str, float] = defaultdict(float)
        self._brands: defaultdict[str, float] = defaultdict(float)
        self._categories: defaultdict[str, float] = defaultdict(float)
        self._total = 0.0
        for place, (item, product) in enumerate(seen):
            weight = 0.5**place
            self._total += weight
            self._own[item] = weight * _known(product)
            self._styles[product.style] += 0.5 * weight
            self._brands[product.brand] += 0.25 * weight
            self._categories[product.category] += 0.25 * weight

    def of(self, item: str, product: Product) -> float:
        """0 to 1; an item does not agree with itself."""
        if not self._total:
            return 0.0
        agreed = -self._own.get(item, 0.0)
        if product.style:
            agreed += self._styles.get(product.style, 0.0)
        if product.brand:
            agreed += self._brands.get(product.brand, 0.0)
        if product.category:
            agreed += self._categories.get(product.category, 0.0)
        return max(agreed, 0.0) / self._total


def _known(product: Product) -> float:
    """What a product agrees with itself."""
    return 0.5 * bool(product.style) + 0.25 * bool(product.brand) + 0.25 * bool(product.category)


def alike(one: Product, other: Product) -> float:
    """`alike`: how much one product could stand in for the other."""
    style = bool(one.style) and one.style == other.style
    brand = bool(one.brand) and one.brand == other.brand
    price = price_fit(one.price, {"low": other.price, "high": other.price}) if other.price else 0.0
    return 0.5 * style + 0.25 * brand + 0.25 * price


def fresh(launch_day: int | None, today: int, half_life_days: float) -> float:
    """`fresh`; an item that is yet to be launched counts as launched today."""
    return 0.0 if launch_day is None else float(2.0 ** (-max(0, today - launch_day) / half_life_days))


def shares(scores: Mapping[str, float]) -> dict[str, float]:
    """Positive scores over the best of them."""
    best = max(scores.values(), default=0.0)
    return {item: score / best for item, score in scores.items() if score > 0} if best > 0 else {}
