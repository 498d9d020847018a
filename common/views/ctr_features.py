"""What the click-through model looks at: one table of features, computed by one function for training and for answers.

The batch layer calls it for every exposure of the past with what was known at that moment, serving for the candidates
of a request with what is known now. Only their inputs come from different places (docs/adr/0018):

| input | from | known before a moment t |
|---|---|---|
| deeds | what the person did with items | those before t, of the last `DAY_MS`, the newest `KEPT` |
| shown | what the person was shown | likewise |
| counts | item minute facts | whole minutes before `settled_until(t)`: those that no longer change |
| prices | mean log price of what happened in a category | likewise |
| product | catalogue | the newest change before t |

Rates are smoothed towards the rate one step wider, n being exposures: (clicks + k · wider) / (n + k).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.duration import duration_ms

Floats = NDArray[np.float64]

MINUTE_MS = 60_000
RECENT_MS = 30 * MINUTE_MS
DAY_MS = 24 * 60 * MINUTE_MS
HOUR_MINUTES, DAY_MINUTES = 60, 1440
KEPT = 200
ACTED = ("view", "click", "cart_add", "wish_add", "purchase")
UNKNOWN = math.nan
USUAL_CLICKS, USUAL_EXPOSURES = 1.0, 20.0  # what is believed of the shop's rate before the first exposure
CATEGORY_EXPOSURES, ITEM_EXPOSURES = 100.0, 20.0  # what the wider rate weighs in exposures
STYLE_PRIOR = 2.0
# Columns of `Offers.counts`; hour and day end at `settled_until`, those of the category and the shop are of the day.
COUNTED = (
    "views_hour",
    "clicks_hour",
    "exposures_hour",
    "views_day",
    "clicks_day",
    "exposures_day",
    "category_clicks",
    "category_exposures",
    "shop_clicks",
    "shop_exposures",
)


class Feature(NamedTuple):
    """`edges` cut it into buckets; None: at tenths of the training rows. What is unknown has a bucket of its own."""

    name: str
    meaning: str
    edges: tuple[float, ...] | None


TIMES = (0.5, 1.5, 2.5, 4.5, 9.5)
FEATURES = (
    Feature("position", "place in the list, from 0; an answer is scored as if all stood at 0", (*TIMES, 14.5, 24.5)),
    Feature("surface", "number of the surface among the commonest; an answer is scored for its own", None),
    Feature("item_rate_day", "log of the item's click-through of the day by its category's", None),
    Feature("item_rate_hour", "log of the item's click-through of the hour by that of the day", None),
    Feature("category_rate", "log of the category's click-through of the day", None),
    Feature("views_hour", "log(1 + views of the item in the hour)", None),
    Feature("views_day", "log(1 + views of the item in the day)", None),
    Feature("price_category", "log of the price by the category's mean", None),
    Feature("price_user", "log of the price by the mean of what the person looked at in the category in the day", None),
    Feature("acted", "actions of the person in the last 30 minutes", (*TIMES, 19.5)),
    Feature("acted_category", "of these, in the item's category", TIMES),
    Feature("acted_brand", "of these, with the item's brand", TIMES),
    Feature("acted_item", "of these, with the item itself", TIMES),
    Feature("style_share", "share of the item's style among the person's actions of the day, smoothed", None),
    Feature("shown_before", "how often the person was shown the item in the day", TIMES),
    Feature("hour", "hour of day, UTC", (2.5, 5.5, 8.5, 11.5, 14.5, 17.5, 20.5)),
    Feature("age_days", "days since the item's launch", (7.5, 29.5, 89.5, 364.5)),
)
NAMES = tuple(feature.name for feature in FEATURES)
POSITION, SURFACE = NAMES.index("position"), NAMES.index("surface")


class Deed(NamedTuple):
    """One thing a person did with an item; `price` is 0 when unknown, texts ''."""

    time_ms: int
    item_id: str
    category: str
    brand: str
    style: str
    price: float


@dataclass(frozen=True)
class Past:
    """What one person did and saw before `moment_ms`; `prices` are mean log prices by category."""

    moment_ms: int
    acted: int
    categories: Mapping[str, int]
    brands: Mapping[str, int]
    items: Mapping[str, int]
    styles: Mapping[str, int]
    prices: Mapping[str, float]
    shown: Mapping[str, int]


class Offered(NamedTuple):
    """Items that may be shown, or were, as columns; `launch_days` (days since 1970) are NaN when unknown."""

    items: Sequence[str]
    categories: Sequence[str]
    brands: Sequence[str]
    styles: Sequence[str]
    prices: Sequence[float]
    launch_days: Sequence[float]


def launch_day(text: str | None) -> float:
    """Days since 1970-01-01 of an ISO date or time; NaN for none, and for what is no date."""
    try:
        return float((date.fromisoformat((text or "")[:10]) - date(1970, 1, 1)).days)
    except ValueError:
        return UNKNOWN


def late_minutes(watermark: str) -> int:
    """How many minutes may still change: events as late as the watermark count in them."""
    return math.ceil(duration_ms(watermark) / MINUTE_MS)


def settled_until(minute: int, late: int) -> int:
    """The minute up to which (itself excluded) facts no longer change when `minute` is going on."""
    return minute - late


def past(deeds: Sequence[Deed], shown: Sequence[tuple[int, str]], moment_ms: int) -> Past:
    """The person's past; both oldest first. What is not before `moment_ms` is passed over."""
    day = [deed for deed in deeds if moment_ms - DAY_MS <= deed.time_ms < moment_ms][-KEPT:]
    recent = [deed for deed in day if deed.time_ms >= moment_ms - RECENT_MS]
    seen = [item for time_ms, item in shown if moment_ms - DAY_MS <= time_ms < moment_ms][-KEPT:]
    by_category: dict[str, list[float]] = {}
    for deed in day:
        if deed.price > 0:
            by_category.setdefault(deed.category, []).append(math.log(deed.price))
    return Past(
        moment_ms=moment_ms,
        acted=len(recent),
        categories=Counter(deed.category for deed in recent if deed.category),
        brands=Counter(deed.brand for deed in recent if deed.brand),
        items=Counter(deed.item_id for deed in recent),
        styles=Counter(deed.style for deed in day if deed.style),
        prices={category: math.fsum(logs) / len(logs) for category, logs in by_category.items()},
        shown=Counter(seen),
    )


def personal(known: Past, offered: Offered) -> list[Sequence[float]]:
    """Columns, an offer a row: log price by the person's mean, acted, …_category, …_brand, …_item, style share, shown
    before, hour, age in days."""
    usual, n = known.prices, len(offered.items)
    styled = sum(known.styles.values()) + STYLE_PRIOR
    hour, day = known.moment_ms // 3_600_000 % 24, known.moment_ms // DAY_MS
    return [
        [
            math.log(price) - usual[category] if price > 0 and category in usual else UNKNOWN
            for price, category in zip(offered.prices, offered.categories, strict=True)
        ],
        [known.acted] * n,
        _times(known.categories, offered.categories),
        _times(known.brands, offered.brands),
        _times(known.items, offered.items),
        [known.styles.get(style, 0) / styled if style else UNKNOWN for style in offered.styles],
        _times(known.shown, offered.items),
        [hour] * n,
        [day - launched for launched in offered.launch_days],
    ]


def _times(counts: Mapping[str, int], names: Sequence[str]) -> list[float]:
    get: Any = counts.get
    return list(map(get, names, repeat(0)))


def matrix(own: Sequence[Sequence[float]] | Floats, counts: Floats, log_prices: Floats, usual: Floats) -> Floats:
    """Rows × `FEATURES`, position 0 and surface unknown.

    In: what `personal` has of each, in rows, counts (rows × `COUNTED`), log prices of the items (NaN: unknown) and the
    mean log price of their categories (NaN: unknown).
    """
    x = np.empty((len(own), len(FEATURES)))
    views_hour, clicks_hour, shown_hour, views_day, clicks_day, shown_day, *wider = counts.T
    category_clicks, category_shown, shop_clicks, shop_shown = wider
    shop = (shop_clicks + USUAL_CLICKS) / (shop_shown + USUAL_EXPOSURES)
    category = (category_clicks + CATEGORY_EXPOSURES * shop) / (category_shown + CATEGORY_EXPOSURES)
    day = (clicks_day + ITEM_EXPOSURES * category) / (shown_day + ITEM_EXPOSURES)
    hour = (clicks_hour + ITEM_EXPOSURES * day) / (shown_hour + ITEM_EXPOSURES)
    x[:, POSITION], x[:, SURFACE] = 0.0, UNKNOWN
    x[:, 2], x[:, 3], x[:, 4] = np.log(day / category), np.log(hour / day), np.log(category)
    x[:, 5], x[:, 6] = np.log1p(views_hour), np.log1p(views_day)
    x[:, 7] = log_prices - usual
    x[:, 8:] = np.asarray(own, float).reshape(len(own), len(FEATURES) - 8)
    return x
