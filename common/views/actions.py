"""Actions of one user as the stream, the collector and the batch layer leave them in Redis, read and merged.

An action is `[event_time_ms, event_id, event_type, item_id, category, price]`, wherever it stands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

MINUTE_MS = 60_000


class Action(NamedTuple):
    """One thing a user did with an item."""

    time_ms: int
    event_id: str
    event_type: str
    item_id: str
    category: str
    price: float | None


@dataclass(frozen=True)
class Bucket:
    """One minute of a user: complete counts by event type, and the newest of its actions."""

    minute: int
    counts: Mapping[str, int]
    actions: tuple[Action, ...]


def read_action(entry: Any) -> Action:
    """An action from its list."""
    time_ms, event_id, event_type, item_id, category, price = entry
    amount = None if price is None else float(price)
    return Action(int(time_ms), str(event_id), str(event_type), str(item_id or ""), str(category or ""), amount)


def read_recent(members: Iterable[bytes]) -> list[Action]:
    """The collector's recent list; a member that is no action is passed over."""
    return [action for text in members if (action := _action_or_none(text)) is not None]


def read_buckets(fields: Mapping[bytes, bytes]) -> list[Bucket]:
    """The user facts, oldest minute first; `fields` is the hash minute → JSON."""
    buckets = []
    for minute, text in fields.items():
        fact = orjson.loads(text)
        actions = tuple(read_action(entry) for entry in fact.get("actions", ()))
        buckets.append(Bucket(int(minute), fact.get("counts", {}), actions))
    return sorted(buckets, key=lambda bucket: bucket.minute)


def merge(buckets: Iterable[Bucket], recent: Iterable[Action]) -> list[Action]:
    """Every known action once (by event_id), newest first; ties by event_id."""
    known = {action.event_id: action for bucket in buckets for action in bucket.actions}
    known |= {action.event_id: action for action in recent}
    return sorted(known.values(), key=lambda action: (-action.time_ms, action.event_id))


def _action_or_none(text: bytes) -> Action | None:
    try:
        return read_action(orjson.loads(text))
    except (ValueError, TypeError):
        return None
