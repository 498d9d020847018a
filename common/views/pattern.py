"""How somebody browses: hours of day, length of a visit, and how often a look becomes a cart and a cart a purchase.

A visit ends where nothing is done for `GAP_MS`. It lasts from its first to its last action, so a visit of one action
lasts no time. Rates are counts over counts; None where there is nothing to divide by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.views.actions import Action

GAP_MS = 30 * 60_000


@dataclass(frozen=True)
class Pattern:
    """`hours`: hour of day (UTC) → actions; `visit_minutes`: mean length."""

    hours: Mapping[int, int]
    visits: int
    visit_minutes: float | None
    view_to_cart: float | None
    cart_to_purchase: float | None
    view_to_purchase: float | None


def pattern(actions: Sequence[Action], counts: Mapping[str, int]) -> Pattern:
    """The pattern of `actions`, newest first, and of all `counts` by event type."""
    hours: dict[int, int] = {}
    visits, length_ms = 0, 0
    later: int | None = None
    for action in actions:
        hour = action.time_ms // 3_600_000 % 24
        hours[hour] = hours.get(hour, 0) + 1
        if later is None or later - action.time_ms > GAP_MS:
            visits += 1
        else:
            length_ms += later - action.time_ms
        later = action.time_ms
    looks = counts.get("view", 0) + counts.get("click", 0)
    carts, purchases = counts.get("cart_add", 0), counts.get("purchase", 0)
    return Pattern(
        hours=dict(sorted(hours.items())),
        visits=visits,
        visit_minutes=length_ms / 60_000 / visits if visits else None,
        view_to_cart=_rate(carts, looks),
        cart_to_purchase=_rate(purchases, carts),
        view_to_purchase=_rate(purchases, looks),
    )


def _rate(part: int, of: int) -> float | None:
    return min(1.0, part / of) if of else None
