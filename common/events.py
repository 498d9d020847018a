"""The event contract as data: fields, limits and which type needs which field.

Two small interpreters read these tables, so that the collector and Spark cannot disagree:
`common.validate` (one event, plain Python) and `common.sources.parse` (columns). How strict the JSON is that both
take, and why: docs/adr/0024.
"""

from dataclasses import dataclass
from typing import Literal

from common.invisible import character_class

Kind = Literal["id", "text", "number", "integer", "time"]

# An id may hold anything printable and must show something; it may not look like an object or a list that was put
# where a name belongs, nor begin with the * that stands for "all categories".
# Each pattern describes the whole text (Python: fullmatch; Java: wrapped in ^(?:…)\z).
BLANK = character_class()
ID_PATTERN = rf"(?:[^\[\{{*{BLANK}\x00-\x1f\x7f]|[{BLANK}]+[^{BLANK}\x00-\x1f\x7f])[^\x00-\x1f\x7f]*"
# What templates write where nobody is signed in; as an id it would make one person of all of them.
NOBODY = ("undefined", "null", "none", "nan")
NOBODY_PATTERN = rf"(?i:{'|'.join(NOBODY)})"
# An id or a text may stand as a JSON number only where that is a whole one: no double ever comes into it.
WHOLE_PATTERN = r"-?[0-9]{1,38}"
NUMBER_PATTERN = r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?"
INTEGER_PATTERN = r"[+-]?[0-9]{1,10}"
# JSON has one kind of number: 1.0 and 1e2 are integers where they stand as numbers. As a text only digits are.
FRACTION_OR_EXPONENT = r"[.eE]"
TIME_PATTERN = (
    r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])"
)
CARD_PATTERN = r"[0-9](?:[ -]?[0-9]){12,18}"  # what no card_token may be
# A card number anywhere in an event, in its usual groups or in one run: by its network's first digits, then by Luhn.
# The digits after a decimal point are none.
CARD_ANYWHERE = (
    r"(?<![0-9A-Za-z])(?<![0-9]\.)(?:(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6011|6[45][0-9]{2}|35[2-8][0-9])"
    r"([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{4}|3(?:[47][0-9]|0[0-5]|[68][0-9])[0-9]([ -]?)[0-9]{6}\2[0-9]{4,5})"
    r"(?![0-9A-Za-z])"
)
# All but the last four digits of what could be one, in a record that was refused for whatever reason: from the first
# digits of a network on to the end of the digits, with at most one sign or one escape between two.
_BETWEEN = r"(?:[ \x00-]|\\u[0-9a-fA-F]{4}|\\[^u])?"
CARD_HIDDEN = (
    rf"(?<![0-9])(?:[3-6]{_BETWEEN}[0-9]|2{_BETWEEN}[2-7])(?:{_BETWEEN}[0-9]){{7,40}}(?=(?:{_BETWEEN}[0-9]){{4}})"
)
HIDDEN = "****"

MAX_BYTES = 262_144
MAX_NESTING = 16
MAX_NUMBER = 1000  # digits of a JSON number, as Jackson has it
MAX_AHEAD_MS = 5 * 60 * 1000
OLDEST_MS = 946_684_800_000  # 2000-01-01T00:00:00Z


@dataclass(frozen=True)
class Field:
    """One field: `limit` is the most characters of a text, `minimum` and `maximum` the bounds of a number."""

    name: str
    kind: Kind
    limit: int = 64
    minimum: int = 0
    maximum: int = 1_000_000_000


BEHAVIOR_TYPES = (
    "view",
    "click",
    "search",
    "cart_add",
    "cart_remove",
    "wish_add",
    "wish_remove",
    "purchase",
    "exposure",
)
ORDER_TYPES = ("order", "refund")
# How the facts call the count of each type.
COUNTS = {
    "view": "views",
    "click": "clicks",
    "exposure": "exposures",
    "cart_add": "carts",
    "wish_add": "wishes",
    "purchase": "purchases",
    "search": "searches",
    "refund": "refunds",
    "cart_remove": "cart_removes",
    "wish_remove": "wish_removes",
}
PAYMENT_TYPES = ("payment",)
EVENT_TYPES = BEHAVIOR_TYPES + ORDER_TYPES + PAYMENT_TYPES
ITEM_TYPES = (
    "view",
    "click",
    "cart_add",
    "cart_remove",
    "wish_add",
    "wish_remove",
    "purchase",
    "exposure",
)

FIELDS = (
    Field("event_id", "id"),
    Field("event_type", "id"),
    Field("event_time", "time"),
    Field("user_id", "id"),
    Field("session_id", "id"),
    Field("item_id", "id"),
    Field("category", "id"),
    Field("price", "number", maximum=100_000_000),
    Field("quantity", "integer", minimum=1, maximum=1_000_000),
    Field("query", "text", limit=200),
    Field("surface", "id"),
    Field("position", "integer"),
    Field("experiment", "id"),
    Field("variant", "id"),
    Field("order_id", "id"),
    Field("promotion_id", "id"),
    Field("device", "id"),
)
PAYMENT_FIELDS = (
    Field("method", "id"),
    Field("amount", "number"),
    Field("currency", "id", limit=3),
    Field("card_token", "id"),
    Field("device_id", "id"),
    Field("ip", "id"),
    Field("billing_country", "id"),
    Field("shipping_country", "id"),
)
PERSON_FIELDS = ("user_id", "session_id")  # who did it: one of them is needed
FIELD_NAMES = tuple(field.name for field in FIELDS)

# field → the event types that cannot be without it
REQUIRED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("event_id", EVENT_TYPES),
    ("event_type", EVENT_TYPES),
    ("event_time", EVENT_TYPES),
    ("item_id", ITEM_TYPES),
    ("query", ("search",)),
    ("surface", ("exposure",)),
    ("position", ("exposure",)),
    ("order_id", (*ORDER_TYPES, *PAYMENT_TYPES, "purchase")),
)


def reasons(field: Field) -> dict[str, str]:
    """The words for what can be wrong with a field: `limit`, `form` and `minimum`."""
    forms = {
        "id": "must be text that shows something, starts with none of [ { * and has no control characters",
        "text": "must be text",
        "number": "must be a number",
        "integer": "must be an integer",
        "time": "must be an RFC 3339 time with a zone as text, to ns at most and without leap seconds,"
        " e.g. 2026-01-31T09:30:00.000Z",
    }
    return {
        "limit": f"must be at most {field.limit} characters",
        "form": forms[field.kind],
        "minimum": f"must be {field.minimum} to {field.maximum}",
    }


MALFORMED = ("", "not a JSON object with the fields of an event")
TOO_LARGE = ("", f"must be at most {MAX_BYTES} bytes")
LAX = (
    "",
    "must be one JSON object in UTF-8, no byte order mark before it and nothing after it,"
    f" at most {MAX_NESTING} levels deep, with no key twice in an object, no half of a surrogate pair"
    f" and no number of more than {MAX_NUMBER} digits",
)
REQUIRED_REASON = "is required for this event_type"
NO_ONE_REASON = "user_id or session_id is required"
NOBODY_REASON = f"is a word for nothing ({', '.join(NOBODY)}): leave the field out where nobody is signed in"
TYPE_REASON = f"must be one of {', '.join(EVENT_TYPES)}"
PAYMENT_REASON = "must be an object for this event_type"
OBJECT_REASON = "must be an object"  # payment of another event_type, and properties
AHEAD_REASON = "is more than 5 minutes ahead of now"
ANCIENT_REASON = "is before 2000-01-01"
CARD_REASON = "looks like a card number; send a token"
CARD = ("", "holds what looks like a card number; send a token")


def topic_of(event_type: str) -> str:
    """The topic that carries this event type."""
    if event_type in PAYMENT_TYPES:
        return "payments"
    return "orders" if event_type in ORDER_TYPES else "behavior"


EXPOSURE_CANDIDATES = "exposure_candidates"  # what the recommendation surfaces answered
ERASURES = "erasures"  # who asked to be forgotten
TOPICS = (
    "behavior",
    "orders",
    "payments",
    "catalog",
    "experiments",
    "logs",
    "quarantine",
    "decisions",
    "alerts",
    EXPOSURE_CANDIDATES,
    ERASURES,
)
EVENT_TOPICS = ("behavior", "orders", "payments")
