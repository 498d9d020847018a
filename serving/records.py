"""What the collector writes: Kafka messages of events, quarantine records, members of the recent list."""

import base64
import re
from typing import Any

import orjson

from common.cards import holds_card, without_cards
from common.category import normal_category
from common.config import Config
from common.events import FIELDS, ID_PATTERN, ITEM_TYPES, topic_of
from common.keys import SEPARATOR, Keys
from common.strict_json import Number
from common.validate import Rejection, epoch_ms, rfc3339
from common.views.ctr_features import DAY_MS, KEPT
from serving.producer import Message

RAW_BYTES = 400_000  # quoted or in base64 it still fits into a Kafka message of 1 MB
ID = re.compile(ID_PATTERN)
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
SHOWN_SECONDS = DAY_MS // 1000
MAX_CATEGORY = next(field.limit for field in FIELDS if field.name == "category")
MAX_PRICE = next(field.maximum for field in FIELDS if field.name == "price")
RECENT_TYPES = frozenset(ITEM_TYPES) - {"exposure"}


def user_of(event: dict[str, Any]) -> str:
    """Whose event it is: the user, else the session."""
    return str(event.get("user_id") or event["session_id"])


def event_message(event: dict[str, Any], config: Config) -> Message:
    """The event as Kafka gets it, keyed by its user."""
    topic = config.topic(topic_of(event["event_type"]))
    return Message(topic, user_of(event).encode(), as_json(event))


def as_json(event: dict[str, Any]) -> bytes:
    """The event as JSON; numbers among its properties stand as they came."""
    return orjson.dumps(event, _number, orjson.OPT_PASSTHROUGH_DATACLASS)


def _number(value: object) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(value.text)
    raise TypeError


def quarantine_message(raw: bytes, rejection: Rejection, now_ms: int, config: Config) -> Message:
    """A refused event or body. `raw` is text as it came, what may be a card number hidden, or base64 of bytes that are
    no clean text; longer ones are cut at RAW_BYTES and marked `truncated`."""
    kept = without_cards(raw)[:RAW_BYTES]
    text = kept.decode("utf-8", "replace")
    record = {
        "encoding": "text",
        "raw": text,
        "field": rejection.field,
        "reason": rejection.reason,
        "source": "collector",
        "truncated": len(raw) > RAW_BYTES,
        "received_at": rfc3339(now_ms),
    }
    if CONTROL.search(kept) or text.encode() != kept:
        record |= {"encoding": "base64", "raw": base64.b64encode(kept).decode()}
    return Message(config.topic("quarantine"), None, orjson.dumps(record))


def remember(pipeline: Any, event: dict[str, Any], keys: Keys, config: Config, now_ms: int) -> None:
    """Puts an item action on its user's recent list, an exposure among what was shown: the next request sees it. What
    comes from a clock that is ahead happened now."""
    time_ms = min(epoch_ms(event["event_time"]) or 0, now_ms)
    if event["event_type"] == "exposure":
        key = keys.shown(user_of(event))
        pipeline.zadd(key, {f"{event['item_id']}{SEPARATOR}{time_ms}": time_ms})
        pipeline.zremrangebyrank(key, 0, -KEPT - 1)
        pipeline.expire(key, SHOWN_SECONDS)
    if event["event_type"] not in RECENT_TYPES:
        return
    names = ("event_id", "event_type", "item_id", "category", "price")
    device = [event["device"]] if "device" in event else []
    member = orjson.dumps([time_ms, *(event.get(name) for name in names), *device])
    key = keys.recent(user_of(event))
    pipeline.zadd(key, {member: time_ms})
    pipeline.zremrangebyrank(key, 0, -config.profile.recent_actions - 1)
    pipeline.expire(key, config.profile.ttl_hours * 3600)


def fill(event: dict[str, Any], product: tuple[bytes | None, bytes | None] | None) -> None:
    """Category and price from the product cache, where the event lacks them."""
    category, price = product or (None, None)
    name = normal_category((category or b"").decode("utf-8", "replace"))
    if "category" not in event and _is_category(name):
        event["category"] = name
    amount = _price(price)
    if amount is not None and "price" not in event:
        event["price"] = amount


def _price(text: bytes | None) -> float | None:
    """A price as the contract has it, None for what is none: the event was judged before it was filled."""
    try:
        amount = float(text or "")
    except ValueError:
        return None
    return amount if 0 <= amount <= MAX_PRICE else None


def _is_category(text: str) -> bool:
    return len(text) <= MAX_CATEGORY and ID.fullmatch(text) is not None and not holds_card(text)


def lacking(event: dict[str, Any]) -> str | None:
    """The item whose category or price the event lacks; None where there is nothing to fill."""
    if event["event_type"] not in ITEM_TYPES or ("category" in event and "price" in event):
        return None
    return str(event["item_id"])
