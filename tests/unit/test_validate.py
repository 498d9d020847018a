"""The collector's validation of one event: what is kept, what is refused, in which words."""

from typing import Any

import pytest

from common.strict_json import Number
from common.validate import Rejection, epoch_ms, rfc3339, validate
from serving.records import fill

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
        ({"quantity": True}, "quantity", "integer"),
        ({"price": True}, "price", "must be a number"),
        ({"quantity": "1.0"}, "quantity", "integer"),
        ({"quantity": Number("1e-1", whole=False)}, "quantity", "integer"),
        ({"quantity": Number("1e400", whole=False)}, "quantity", "integer"),
        ({"quantity": Number("1e7", whole=False)}, "quantity", "1 to 1000000"),
        ({"position": -1.0}, "position", "0 to 1000000000"),
        ({"position": 1_000_000_001}, "position", "0 to 1000000000"),
        ({"category": "*"}, "category", "none of [ { *"),
        ({"item_id": "a\x1fb"}, "item_id", "control characters"),
        ({"item_id": "x" * 65}, "item_id", "at most 64"),
        ({"event_id": False}, "event_id", "must be text that shows something"),
        ({"user_id": True}, "user_id", "must be text that shows something"),
        ({"query": True}, "query", "must be text"),
        ({"payment": {"method": True}}, "payment.method", "must be text that shows something"),
        ({"event_time": "2026-01-31T09:30:00"}, "event_time", "zone"),
        ({"event_time": "2016-12-31T23:59:60Z"}, "event_time", "without leap seconds"),
        ({"event_time": "2026-01-31T09:30:00.1234567890Z"}, "event_time", "to ns at most"),
        ({"event_time": "2026-01-31T09:30:00+0000"}, "event_time", "with a zone"),
        ({"event_time": 1_796_018_400_000}, "event_time", "as text"),
        ({"event_time": "1999-12-31T00:00:00Z"}, "event_time", "2000-01-01"),
        ({"event_time": rfc3339(NOW + 300_001)}, "event_time", "5 minutes"),
        ({"user_id": None}, "user_id", "user_id or session_id"),
        ({"user_id": "undefined"}, "user_id", "word for nothing"),
        ({"user_id": "None", "session_id": "s"}, "user_id", "word for nothing"),
        ({"session_id": "NaN"}, "session_id", "word for nothing"),
        ({"session_id": "NULL", "user_id": None}, "session_id", "word for nothing"),
        ({"order_id": None}, "order_id", "required"),
        ({"event_type": "sale"}, "event_type", "one of"),
        ({"event_type": "payment"}, "payment", "object"),
        ({"payment": {"card_token": "4111-1111-1111-1111"}}, "payment.card_token", "token"),
        ({"payment": [1]}, "payment", "must be an object"),
        ({"payment": "card"}, "payment", "must be an object"),
        ({"properties": [1]}, "properties", "must be an object"),
        ({"properties": []}, "properties", "must be an object"),
        ({"properties": "size M"}, "properties", "must be an object"),
        ({"properties": Number("0", whole=True)}, "properties", "must be an object"),
        ({"properties": False}, "properties", "must be an object"),
    ],
)
def test_the_first_broken_rule_is_named(change: dict[str, Any], field: str, words: str) -> None:
    refused = validate({**GOOD, **change}, NOW)
    assert isinstance(refused, Rejection)
    assert refused.field == field
    assert words in refused.reason


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_no_properties_and_no_payment_are_none(nothing: object) -> None:
    clean = validate({**GOOD, "properties": nothing, "payment": nothing}, NOW)
    assert isinstance(clean, dict)
    assert "properties" not in clean and not clean.get("payment")


@pytest.mark.parametrize(
    ("price", "filled"),
    [(b"12.5", 12.5), (b"0", 0.0), (b"1e8", 1e8), (b"100000001", None), (b"-1", None), (b"nan", None), (b"dear", None)],
)
def test_a_price_of_the_catalogue_is_judged_as_one_of_an_event(price: bytes, filled: float | None) -> None:
    event: dict[str, Any] = {"event_type": "view"}
    fill(event, (b"bags", price))
    assert event.get("price") == filled and event["category"] == "bags"


@pytest.mark.parametrize(
    ("given", "taken"),
    [(1.0, 1), (3, 3), ("3", 3), (Number("3.0", whole=False), 3), (Number("1e2", whole=False), 100)],
)
def test_a_number_without_a_fraction_is_an_integer_however_it_is_written(given: object, taken: int) -> None:
    clean = validate({**GOOD, "quantity": given, "position": given}, NOW)
    assert isinstance(clean, dict)
    assert [clean["quantity"], clean["position"]] == [taken, taken]
    assert {type(clean["quantity"]), type(clean["position"])} == {int}


@pytest.mark.parametrize("millis", [0, 1, 946_684_800_000, 1_790_000_000_999])
def test_times_survive_being_written_and_read(millis: int) -> None:
    assert epoch_ms(rfc3339(millis)) == millis
