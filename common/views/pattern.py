"""How somebody browses: hours of day, length of a visit, and how often a look becomes a cart and a cart a purchase.

A visit ends where nothing is done for `GAP_MS`. It lasts from its first to its last action, so a visit of one action
lasts no time. Rates are counts over counts; None where there is nothing to divide by.

The batch layer publishes the same of everything before a moment T (`Past`, T is its `until_ms`); what Redis knows from
T on is added. A visit that goes on across T is one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from common.views.actions import Action

GAP_MS = 30 * 60_000
# The list of last items → the kind of action that puts an item on it.
LISTED = {"viewed": "view", "carted": "cart_add", "wished": "wish_add", "bought": "purchase"}


@dataclass(frozen=True)
class Pattern:
    """`hours`: hour of day (UTC) → actions; `visit_minutes`: mean length."""

    hours: Mapping[int, int]
    visits: int
    visit_minutes: float | None
    view_to_cart: float | None
    cart_to_purchase: float | None
    view_to_purchase: float | None


@dataclass(frozen=True)
class Past:
    """What the batch layer knows: visits, their length in all, time of the last action, hours and counts, all before
    `until_ms`; the newest device and when; list → (item, ms) of the last items."""

    until_ms: int = 0
    visits: int = 0
    visit_ms: int = 0
    last_ms: int | None = None
    hours: Mapping[int, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    device: str | None = None
    device_ms: int | None = None
    last: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)


NO_PAST = Past()


def read_past(text: bytes | None) -> Past:
    """`Past` from what the batch layer published; without it one in which nothing was done. What another release has
    put there besides is passed over."""
    if not text:
        return NO_PAST
    found: dict[str, Any] = orjson.loads(text)
    known = {name: found[name] for name in Past.__dataclass_fields__ if name in found}
    return Past(**{**known, "hours": {int(hour): number for hour, number in found.get("hours", {}).items()}})


def pattern(actions: Sequence[Action], counts: Mapping[str, int], past: Past = NO_PAST) -> Pattern:
    """The pattern of `actions`, newest first, and of `counts` by event type, both from T on, together with the past."""
    hours = Counter(past.hours)
    visits, length_ms = past.visits, past.visit_ms
    later: int | None = None
    for action in actions:
        hours[action.time_ms // 3_600_000 % 24] += 1
        if later is None or later - action.time_ms > GAP_MS:
            visits += 1
        else:
            length_ms += later - action.time_ms
        later = action.time_ms
    if later is not None and past.last_ms is not None and later - past.last_ms <= GAP_MS:  # one visit across T
        visits -= 1
        length_ms += later - past.last_ms
    both = Counter(counts) + Counter(past.counts)
    looks, carts, purchases = both["view"] + both["click"], both["cart_add"], both["purchase"]
    return Pattern(
        hours=dict(sorted(hours.items())),
        visits=visits,
        visit_minutes=length_ms / 60_000 / visits if visits else None,
        view_to_cart=_rate(carts, looks),
        cart_to_purchase=_rate(purchases, carts),
        view_to_purchase=_rate(purchases, looks),
    )


def device(actions: Iterable[Action], past: Past = NO_PAST) -> str | None:
    """What the newest action was done on that says so; `actions` newest first, whenever they were."""
    named = next((action for action in actions if action.device), None)
    if named is None or (past.device_ms is not None and past.device_ms > named.time_ms):
        return past.device
    return named.device


def with_past(actions: Iterable[Action], past: Past) -> list[Action]:
    """All actions, newest first, and those that put the last items of the past on their lists. Nothing to be counted:
    what is in both stands twice."""
    listed = [
        Action(ms, "", kind, item, "", None) for name, kind in LISTED.items() for item, ms in past.last.get(name, ())
    ]
    return sorted([*actions, *listed], key=lambda action: action.time_ms, reverse=True)


def _rate(part: int, of: int) -> float | None:
    return min(1.0, part / of) if of else None
