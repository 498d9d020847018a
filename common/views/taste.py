"""Taste beyond categories: which styles and brands somebody looks at, and what they spend in each category.

Enters: the user's actions, newest first, the products of their items, and the long-term profile of the batch layer
(`styles`, `brands`: {name: weight}; `bands`: {category: [low, typical, high]}; each optional). An action counts its
type's weight, halved every `half_life_minutes` before the newest action, and both are mixed as in
`common.views.profile`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.config import ProfileConfig
from common.views.actions import MINUTE_MS, Action
from common.views.offers import Product
from common.views.profile import BAND, mixed, weighted_quantile


@dataclass(frozen=True)
class Taste:
    """Shares of styles and of brands, best first, each adding up to 1; low, typical and high price by category."""

    styles: Mapping[str, float]
    brands: Mapping[str, float]
    bands: Mapping[str, Mapping[str, float | None]]


def taste(
    actions: Sequence[Action], products: Mapping[str, Product], long_term: Mapping[str, Any], config: ProfileConfig
) -> Taste:
    """The taste; see the module for what enters."""
    brands = {item: product.brand for item, product in products.items()}
    return Taste(
        style_shares(actions, products, long_term, config),
        mixed(_sums(actions, brands, config), long_term.get("brands", {})),
        price_bands(actions, long_term.get("bands", {}), config),
    )


def style_shares(
    actions: Sequence[Action], products: Mapping[str, Product], long_term: Mapping[str, Any], config: ProfileConfig
) -> Mapping[str, float]:
    """`Taste.styles` alone."""
    styles = {item: product.style for item, product in products.items()}
    return mixed(_sums(actions, styles, config), long_term.get("styles", {}))


def _sums(actions: Sequence[Action], names: Mapping[str, str], config: ProfileConfig) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for action in actions:
        name, weight = names.get(action.item_id, ""), _weight(action, config)
        if name and weight > 0:
            age = (actions[0].time_ms - action.time_ms) / MINUTE_MS
            sums[name] += weight * 2.0 ** (-age / config.half_life_minutes)
    return sums


def price_bands(
    actions: Iterable[Action], long_term: Mapping[str, Sequence[float]], config: ProfileConfig
) -> dict[str, dict[str, float | None]]:
    """Category → low, typical and high price, as `Profile.price_band` has them over all categories."""
    points: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for action in actions:
        weight = _weight(action, config)
        if action.category and action.price is not None and action.price > 0 and weight > 0:
            points[action.category].append((action.price, weight))
    for category, prices in long_term.items():
        total = sum(weight for _, weight in points[category]) or 1.0
        points[category] += [(price, total / len(prices)) for price in prices if price > 0]
    return {
        category: {name: weighted_quantile(sorted(of), share) for name, share in BAND.items()}
        for category, of in sorted(points.items())
        if of
    }


def _weight(action: Action, config: ProfileConfig) -> float:
    return config.weights.get(action.event_type, 0.0)  # type: ignore[call-overload, no-any-return]
