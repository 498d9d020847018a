"""The collector's validation of one event: what is kept, what is refused, in which words."""

from typing import Any

import pytest

from common.validate import Rejection, epoch_ms, rfc3339, validate

NOW = 1_790_000_000_000
GOOD = {
    "event_id": "e",
    "event_type": "purchase",
    "event_time": "2026-01-31T09:30:00.5+09:00",
    "user_id": 17850,
    "item_id": "옷👗",
    "price": "12.5",
    "quantity": 3,
    "order_id": "o",
}


def test_a_good_event_comes_out_typed_in_utc_with_unknown_fields_as_they_came() -> None:
    assert validate({**GOOD, "colour": "red", "properties": {"size": "M"}, "category": ""}, NOW) == {
        **GOOD,
        "event_time": "2026-01-31T00:30:00.500Z",
        "user_id": "17850",
        "price": 12.5,
        "properties": {"size": "M"},
        "colour": "red",
    }


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"price": 1e8 + 1}, "price", "0 to 100000000"),
        ({"quantity": 1_000_001}, "quantity", "1 to 1000000"),
        ({"quantity": 0}, "quantity", "1 to 1000000"),
        ({"quantity": 1.5}, "quantity", "integer"),
        ({"category": "*"}, "category", "none of [ { *"),
        ({"item_id": "a\x1fb"}, "item_id", "control characters"),
        ({"item_id": "x" * 65}, "item_id", "at most 64"),
        ({"event_time": "2026-01-31T09:30:00"}, "event_time", "zone"),
        ({"event_time": "1999-12-31T00:00:00Z"}, "event_time", "2000-01-01"),
        ({"event_time": rfc3339(NOW + 300_001)}, "event_time", "5 minutes"),
        ({"user_id": None}, "user_id", "user_id or session_id"),
        ({"order_id": None}, "order_id", "required"),
        ({"event_type": "sale"}, "event_type", "one of"),
        ({"event_type": "payment"}, "payment", "object"),
        ({"payment": {"card_token": "4111-1111-1111-1111"}}, "payment.card_token", "token"),
    ],
)
def test_the_first_broken_rule_is_named(change: dict[str, Any], field: str, words: str) -> None:
    refused = validate({**GOOD, **change}, NOW)
    assert isinstance(refused, Rejection)
    assert refused.field == field
    assert words in refused.reason


@pytest.mark.parametrize("millis", [0, 1, 946_684_800_000, 1_790_000_000_999])
def test_times_survive_being_written_and_read(millis: int) -> None:
    assert epoch_ms(rfc3339(millis)) == millis
