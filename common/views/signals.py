"""What is known for or against showing an item to somebody, each a number from 0 to 1 (`seen`: 0 to −1).

A signal is a column: a value for each of the products it is worked out on.

| signal | value |
|---|---|
| als | the model's score over the best one of the list |
| alike | agreement with the item at hand: style ½, brand ¼, price ¼ |
| category | ½ · (the category's weight in the profile + 1 if it is the category being viewed) |
| complement | 1 for another category than those of the items at hand |
| ctr | chance of a click by the click-through model over the best of the candidates |
| fresh | 2^(−days since the launch / `recommend.fresh_days`); 0 where the launch is unknown |
| price | 1 inside the price band (that of the category, where known), the ratio to its nearer end outside it |
| recent | agreement with the last items seen: style ½, brand ¼, category ¼ |
| rising, trend | score in `popular-30m`, in `popular`, over the ranking's best |
| seen | −n / (n + `TIRED`) after n looks at it: who has looked three times and not bought is half tired of it |
| session | how strongly the sessions of others that are like this one lead there |
| style | share of the style in what the user looks at |
| together | √ of the log-likelihood ratio of both occurring together, over the list's best (job `related`) |
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from common.views.actions import Action
from common.views.offers import Floats, Offers, Product

Band = Mapping[str, float | None]  # low, typical, high
NO_BANDS: Mapping[str, Band] = {}
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


def session_items(actions: Iterable[Action], kinds: Collection[str], gap_ms: int, most: int) -> list[str]:
    """The newest `most` items of the newest session, oldest first, as the job `sessions` cuts events without a session
    id: before a gap of more than `gap_ms`; of one item several times running one counts. `actions` newest first."""
    items: list[str] = []
    after: int | None = None
    for action in actions:
        if not action.item_id or action.event_type not in kinds:
            continue
        if after is not None and after - action.time_ms > gap_ms:
            break
        after = action.time_ms
        if not items or items[-1] != action.item_id:
            items.append(action.item_id)
            if len(items) == most:
                break
    return items[::-1]


def looks(actions: Iterable[Action]) -> Counter[str]:
    """How often somebody looked at each item."""
    return Counter(action.item_id for action in actions if action.event_type in ("view", "click"))


def tired(offers: Offers, looked: Mapping[str, float]) -> Floats:
    """`seen` after so many looks at each."""
    times = offers.column(looked)
    return -times / (times + TIRED)


def category_fit(offers: Offers, weights: Mapping[str, float], current: str | None) -> Floats:
    """`category`; 0 for an unknown one."""
    category = offers.texts("category")
    return 0.5 * (offers.names.weighed(weights, category) + offers.names.same(current, category))


def price_fit(offers: Offers, band: Band, bands: Mapping[str, Band] = NO_BANDS) -> Floats:
    """1 inside the band of the product's category, or inside `band` where `bands` has none for it, falling with the
    ratio to its nearer end outside; 0 where either is unknown or free."""
    low, high = (_ends(offers, end, band, bands) for end in ("low", "high"))
    price = offers.numbers("price")
    known = (price > 0) & (low > 0) & (high > 0)
    low, high, price = (np.where(known, column, 1.0) for column in (low, high, price))
    return np.where(known, np.minimum(np.minimum(price, low) / low, high / np.maximum(price, high)), 0.0)


def _ends(offers: Offers, end: str, band: Band, bands: Mapping[str, Band]) -> Floats:
    """One end of the band that holds for each product; 0 where there is none."""
    overall = np.full(len(offers), band.get(end) or 0.0)
    if not bands:
        return overall
    own = offers.names.weighed({name: of.get(end) or 0.0 for name, of in bands.items()}, offers.texts("category"))
    return np.where(own > 0, own, overall)


def recent(offers: Offers, seen: Mapping[str, Product]) -> Floats:
    """Agreement with the items seen last, newest first, each weighing half of the one after it; an item does not agree
    with itself."""
    own, total = {}, 0.0
    styles: defaultdict[str, float] = defaultdict(float)
    brands: defaultdict[str, float] = defaultdict(float)
    categories: defaultdict[str, float] = defaultdict(float)
    for place, (item, product) in enumerate(seen.items()):
        weight = 0.5**place
        total += weight
        own[item] = weight * _known(product)
        styles[product.style] += 0.5 * weight
        brands[product.brand] += 0.25 * weight
        categories[product.category] += 0.25 * weight
    if not total:
        return np.zeros(len(offers))
    agreed = offers.names.weighed(styles, offers.texts("style"))
    agreed += offers.names.weighed(brands, offers.texts("brand"))
    agreed += offers.names.weighed(categories, offers.texts("category"))
    return np.maximum(agreed - offers.column(own), 0.0) / total


def _known(product: Product) -> float:
    """What a product agrees with itself."""
    return 0.5 * bool(product.style) + 0.25 * bool(product.brand) + 0.25 * bool(product.category)


def alike(offers: Offers, other: Product) -> Floats:
    """`alike`: how much each could stand in for the other product."""
    style = offers.names.same(other.style, offers.texts("style"))
    brand = offers.names.same(other.brand, offers.texts("brand"))
    return 0.5 * style + 0.25 * brand + 0.25 * price_fit(offers, {"low": other.price, "high": other.price})


def complement(offers: Offers, categories: Iterable[str]) -> Floats:
    """`complement`: whether each is of a known category other than these."""
    category = offers.texts("category")
    own = offers.names.weighed(dict.fromkeys(categories, 1.0), category)
    return np.where(category > 0, 1.0 - own, 0.0)


def fresh(offers: Offers, today: int, half_life_days: float) -> Floats:
    """`fresh`; an item that is yet to be launched counts as launched today."""
    days = np.maximum(today - offers.numbers("launch_day"), 0.0)
    return np.where(np.isnan(days), 0.0, np.exp2(-days / half_life_days))


def shares(offers: Offers, scores: Mapping[str, float]) -> Floats:
    """Positive scores over the best of all of them."""
    best = max(scores.values(), default=0.0)
    return np.maximum(offers.column(scores), 0.0) / best if best > 0 else np.zeros(len(offers))
