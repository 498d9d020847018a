"""Actions of one user as the stream, the collector and the batch layer leave them in Redis, read and merged.

An action on the recent list is `[event_time_ms, event_id, event_type, item_id, category, price]`, and the device behind
where the event named one. User facts know no device.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from common.keys import SEPARATOR

MINUTE_MS = 60_000
MOST_REPEATS = 3  # one item, kind and minute: a bot's thousands say no more about taste
# The event types of the counts in a user fact's value.
KINDS = (
    "view",
    "click",
    "cart_add",
    "wish_add",
    "purchase",
    "exposure",
    "search",
    "cart_remove",
    "wish_remove",
)


class Action(NamedTuple):
    """One thing a user did with an item."""

    time_ms: int
    event_id: str
    event_type: str
    item_id: str
    category: str
    price: float | None
    device: str = ""  # '' where none was named


class UserFact(NamedTuple):
    """What a user did with an item in a minute; `item_id` is '' for exposures and searches."""

    minute: int
    category: str
    item_id: str
    counts: Mapping[str, int]  # by event type, without zeros
    last_ms: int
    price: float | None


def read_action(entry: Any) -> Action:
    """An action from its list."""
    time_ms, event_id, event_type, item_id, category, price, *more = entry
    amount = None if price is None else float(price)
    device = str(more[0]) if more else ""
    return Action(int(time_ms), str(event_id), str(event_type), str(item_id or ""), str(category or ""), amount, device)


def read_recent(members: Iterable[bytes]) -> list[Action]:
    """The collector's recent list; a member that is no action is passed over."""
    return [action for text in members if (action := _action_or_none(text)) is not None]


def read_user_facts(fields: Mapping[bytes, bytes]) -> list[UserFact]:
    """The user facts, oldest first; `fields` is the hash as `common.sinks.redis_facts.encode` leaves it."""
    facts = []
    for field, value in fields.items():
        minute, category, item = field.decode().split(SEPARATOR)
        numbers, last_ms, price = value.decode().split("|")
        amount = float(price) if price else None
        facts.append(UserFact(int(minute), category, item, _counts(numbers), int(last_ms), amount))
    return sorted(facts)


@lru_cache(maxsize=4096)
def _counts(numbers: str) -> Mapping[str, int]:
    """The counts by event type, without zeros; most facts have one of a few."""
    return {kind: int(n) for kind, n in zip(KINDS, numbers.split(","), strict=True) if n != "0"}


def merge(facts: Iterable[UserFact], recent: Iterable[Action]) -> list[Action]:
    """Every known action once, newest first; ties by event_id.

    A fact may lag behind the collector, and the recent list holds only the newest that came through the collector: of
    one kind on one item in one minute the larger number of the two is right. What only the fact knows stands at the
    fact's newest time, without an event_id, `MOST_REPEATS` times at most.
    """
    known = {action.event_id: action for action in recent}
    listed = Counter((a.time_ms // MINUTE_MS, a.category, a.item_id, a.event_type) for a in known.values())
    actions = list(known.values())
    for minute, category, item, counts, last_ms, price in facts:
        for kind, count in counts.items() if item else ():
            more = min(count, MOST_REPEATS) - listed.get((minute, category, item, kind), 0)
            if more > 0:
                actions.extend([Action(last_ms, "", kind, item, category, price)] * more)
    actions.sort(key=itemgetter(1))
    return sorted(actions, key=itemgetter(0), reverse=True)  # leaves equals in their order


def cart(actions: Iterable[Action]) -> list[str]:
    """What is in the cart, the newest first; `actions` newest first."""
    return _standing(actions, "cart_add", ("cart_remove", "purchase"))


def wishes(actions: Iterable[Action]) -> list[str]:
    """What is on the wish list, the newest first; `actions` newest first."""
    return _standing(actions, "wish_add", ("wish_remove",))


def _standing(actions: Iterable[Action], put: str, taken: tuple[str, ...]) -> list[str]:
    """The items whose newest action of these kinds is `put`. At one time, as all of a minute are in a fact, what was
    taken was put before."""
    newest: dict[str, tuple[int, str]] = {}
    for action in actions:
        if action.item_id and (action.event_type == put or action.event_type in taken):
            time_ms, _ = newest.setdefault(action.item_id, (action.time_ms, action.event_type))
            if action.event_type in taken and action.time_ms == time_ms:
                newest[action.item_id] = (time_ms, action.event_type)
    return [item for item, (_, kind) in newest.items() if kind == put]


def _action_or_none(text: bytes) -> Action | None:
    try:
        return read_action(orjson.loads(text))
    except (ValueError, TypeError):
        return None
