"""Taste beyond categories: which styles and brands somebody looks at, and what they spend in each category.

Enters: the user's actions, newest first, and the products of their items. An action counts its type's weight, halved
every `half_life_minutes` before the newest action, as in `common.views.profile`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from common.config import ProfileConfig
from common.views.actions import MINUTE_MS, Action
from common.views.offers import Product
from common.views.profile import BAND, normalised, weighted_quantile


def styles(actions: Sequence[Action], products: Mapping[str, Product], config: ProfileConfig) -> dict[str, float]:
    """Style → its share, best first; they add up to 1."""
    return _shares(actions, {item: product.style for item, product in products.items()}, config)


def brands(actions: Sequence[Action], products: Mapping[str, Product], config: ProfileConfig) -> dict[str, float]:
    """Brand → its share, best first; they add up to 1."""
    return _shares(actions, {item: product.brand for item, product in products.items()}, config)


def _shares(actions: Sequence[Action], names: Mapping[str, str], config: ProfileConfig) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for action in actions:
        name, weight = names.get(action.item_id, ""), _weight(action, config)
        if name and weight > 0:
            age = (actions[0].time_ms - action.time_ms) / MINUTE_MS
            sums[name] += weight * 2.0 ** (-age / config.half_life_minutes)
    return dict(sorted(normalised(sums).items(), key=lambda entry: (-entry[1], entry[0])))


def price_bands(actions: Iterable[Action], config: ProfileConfig) -> dict[str, dict[str, float | None]]:
    """Category → low, typical and high price of what was acted on there, as `Profile.price_band` over all."""
    points: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for action in actions:
        weight = _weight(action, config)
        if action.category and action.price is not None and action.price > 0 and weight > 0:
            points[action.category].append((action.price, weight))
    return {
        category: {name: weighted_quantile(sorted(of), share) for name, share in BAND.items()}
        for category, of in sorted(points.items())
    }


def _weight(action: Action, config: ProfileConfig) -> float:
    return config.weights.get(action.event_type, 0.0)  # type: ignore[call-overload, no-any-return]
