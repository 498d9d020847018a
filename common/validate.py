"""Validates one event in plain Python: what the collector does per request, in microseconds.

The rules are the tables of `common.events`; `common.sources.parse` applies the same to columns, and
`tests/spark/test_readers_agree.py` holds the two against each other.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from common import events as contract
from common.cards import holds_card
from common.category import normal_category
from common.strict_json import Number, Read, Reader, too_deep

_ID = re.compile(contract.ID_PATTERN)
_NUMBER = re.compile(contract.NUMBER_PATTERN, re.ASCII)
_FRACTION_OR_EXPONENT = re.compile(contract.FRACTION_OR_EXPONENT)
_INTEGER = re.compile(contract.INTEGER_PATTERN, re.ASCII)
_TIME = re.compile(contract.TIME_PATTERN, re.ASCII)
_CARD = re.compile(contract.CARD_PATTERN, re.ASCII)
_NOBODY = re.compile(contract.NOBODY_PATTERN, re.ASCII)
_WHOLE = re.compile(contract.WHOLE_PATTERN, re.ASCII)
_FORMS = {"id": _ID, "number": _NUMBER, "integer": _INTEGER, "time": _TIME}
_ANY = (*contract.FIELD_NAMES, "payment")
_KNOWN = frozenset((*_ANY, "properties"))
_REASONS = {f: contract.reasons(f) for f in (*contract.FIELDS, *contract.PAYMENT_FIELDS)}


@dataclass(frozen=True)
class Rejection:
    """Why an event is refused: the field ('' for the whole) and the reason."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


def read_event(raw: bytes, now_ms: int) -> dict[str, Any] | Rejection:
    """`judge` of a message's bytes: what Spark's parser says of the same record."""
    if len(raw) > contract.MAX_BYTES:
        return Rejection(*contract.TOO_LARGE)
    try:
        return judge(Reader(raw.decode()).whole(), now_ms)
    except ValueError:  # no UTF-8, or no JSON
        return Rejection(*contract.LAX)


def judge(read: Read, now_ms: int) -> dict[str, Any] | Rejection:
    """The clean event of a JSON text, or why it is refused: rules on the text as a whole, then `validate`."""
    if len(read.text) > contract.MAX_BYTES or len(read.text.encode("utf-8", "replace")) > contract.MAX_BYTES:
        return Rejection(*contract.TOO_LARGE)
    if not read.strict or too_deep(read.text):
        return Rejection(*contract.LAX)
    judged = validate(read.value, now_ms)
    if isinstance(judged, dict) and holds_card(read.text):
        return Rejection(*contract.CARD)
    return judged


def validate(event: object, now_ms: int) -> dict[str, Any] | Rejection:
    """The event with typed values, unknown fields as they came, or why it is refused.

    `event` is a JSON value, its numbers as `common.strict_json` or another parser gives them; `now_ms` is the time of
    receipt in epoch milliseconds. The result has only the fields present: `event_time` as text in UTC with
    milliseconds, also where it is ahead of the receipt; `category` as it is called, `price` float, `quantity` and
    `position` int. The first failing rule is the one reported, in the order of the tables.
    """
    if not isinstance(event, dict) or all(event.get(name) is None for name in _ANY):
        return Rejection(*contract.MALFORMED)
    clean: dict[str, Any] = {}
    for field in contract.FIELDS:
        rejection = _take(field, field.name, event, clean)
        if rejection is not None:
            return rejection
    rejection = _required(clean) or _times(clean, now_ms) or _payment(event, clean) or _properties(event)
    return rejection or _with_unknown(event, clean)


def _take(field: contract.Field, path: str, source: dict[str, Any], clean: dict[str, Any]) -> Rejection | None:
    value = source.get(field.name)
    if value is None or value == "":
        return None
    text, number = _text(value)
    reasons = _REASONS[field]
    if text is None or (number and field.kind in ("id", "text") and not _WHOLE.fullmatch(text)):
        return Rejection(path, reasons["form"])
    form = _FORMS.get(field.kind)
    if form is not None and not (number and _is_number(text, field.kind)) and not form.fullmatch(text):
        return Rejection(path, reasons["form"])
    if field.kind in ("number", "integer"):
        amount = float(text)
        if not (math.isfinite(amount) and field.minimum <= amount <= field.maximum):
            return Rejection(path, reasons["minimum"])
        clean[field.name] = amount if field.kind == "number" else int(amount)
    else:
        if field.kind in ("id", "text") and len(text) > field.limit:
            return Rejection(path, reasons["limit"])
        if field.name == "category":
            return _take_category(field, path, text, clean)
        clean[field.name] = text
    return None


def _take_category(field: contract.Field, path: str, text: str, clean: dict[str, Any]) -> Rejection | None:
    """What a category is called is judged as what was typed: without its slashes it may begin otherwise, and some
    letters are two when composed. One of only slashes is none."""
    name = normal_category(text)
    if name and not _ID.fullmatch(name):
        return Rejection(path, _REASONS[field]["form"])
    if len(name) > field.limit:
        return Rejection(path, _REASONS[field]["limit"])
    if name:
        clean[field.name] = name
    return None


def _is_number(text: str, kind: contract.Kind) -> bool:
    """Whether a JSON number is one of this kind, whatever its digits; of a plain row of digits the form decides."""
    if kind == "integer" and _FRACTION_OR_EXPONENT.search(text):
        return float(text).is_integer()
    return kind == "number"


def _text(value: object) -> tuple[str | None, bool]:
    """A JSON value as text and whether it is a number; None for booleans, lists and objects."""
    if isinstance(value, str):
        return value, False
    if isinstance(value, Number):
        return value.text, True
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return (str(value), True) if known else (None, False)


def _required(clean: dict[str, Any]) -> Rejection | None:
    event_type = clean.get("event_type")
    if event_type is not None and event_type not in contract.EVENT_TYPES:
        return Rejection("event_type", contract.TYPE_REASON)
    for name, types in contract.REQUIRED:
        if name not in clean and (event_type is None or event_type in types):
            return Rejection(name, contract.REQUIRED_REASON)
    if not any(name in clean for name in contract.PERSON_FIELDS):
        return Rejection("user_id", contract.NO_ONE_REASON)
    for name in contract.PERSON_FIELDS:
        if _NOBODY.fullmatch(clean.get(name, "")):
            return Rejection(name, contract.NOBODY_REASON)
    return None


def _times(clean: dict[str, Any], now_ms: int) -> Rejection | None:
    millis = epoch_ms(clean["event_time"])
    if millis is None:
        return Rejection("event_time", contract.reasons(contract.FIELDS[2])["form"])
    if millis > now_ms + contract.MAX_AHEAD_MS:
        return Rejection("event_time", contract.AHEAD_REASON)
    if millis < contract.OLDEST_MS:
        return Rejection("event_time", contract.ANCIENT_REASON)
    clean["event_time"] = rfc3339(millis)
    return None


def _payment(event: dict[str, Any], clean: dict[str, Any]) -> Rejection | None:
    payment = event.get("payment")
    if not isinstance(payment, dict):
        if clean["event_type"] in contract.PAYMENT_TYPES:
            return Rejection("payment", contract.PAYMENT_REASON)
        return None if payment in (None, "") else Rejection("payment", contract.OBJECT_REASON)
    kept: dict[str, Any] = {}
    for field in contract.PAYMENT_FIELDS:
        rejection = _take(field, f"payment.{field.name}", payment, kept)
        if rejection is not None:
            return rejection
    if _CARD.fullmatch(kept.get("card_token", "")):
        return Rejection("payment.card_token", contract.CARD_REASON)
    clean["payment"] = kept
    return None


def _properties(event: dict[str, Any]) -> Rejection | None:
    properties = event.get("properties")
    if properties in (None, "") or isinstance(properties, dict):
        return None
    return Rejection("properties", contract.OBJECT_REASON)


def _with_unknown(event: dict[str, Any], clean: dict[str, Any]) -> dict[str, Any]:
    properties = event.get("properties")
    if isinstance(properties, dict) and properties:
        clean["properties"] = properties
    return clean | {name: value for name, value in event.items() if name not in _KNOWN}


def epoch_ms(text: str) -> int | None:
    """Epoch milliseconds of an RFC 3339 time with a zone; None where it is no such time."""
    if not _TIME.fullmatch(text):
        return None
    whole, fraction, zone = re.match(r"(.{19})(\.\d+)?(.+)$", text).groups()  # type: ignore[union-attr]
    zone = "+00:00" if zone in "Zz" else zone
    try:
        moment = datetime.fromisoformat(f"{whole[:10]}T{whole[11:]}{zone}")
    except ValueError:
        return None
    millis = int(((fraction or ".0")[1:] + "00")[:3])
    return round(moment.timestamp()) * 1000 + millis


def rfc3339(millis: int) -> str:
    """`millis` since the epoch as RFC 3339 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(millis // 1000, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"
