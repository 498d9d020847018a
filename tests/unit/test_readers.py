"""Reading one message in Python: how strict the JSON is, what is exact, what looks like a card, what time counts."""

import json
import time
from typing import Any

import orjson
import pytest

from common import events as contract
from common.cards import holds_card, luhn, without_cards
from common.strict_json import Number, Reader
from common.validate import Rejection, read_event, rfc3339
from serving.errors import ApiError
from serving.routes.events import events_of

NOW = 1_795_435_200_000
GOOD = {"event_id": "e", "event_type": "view", "event_time": rfc3339(NOW), "user_id": "u", "item_id": "i"}


def good(**changes: Any) -> bytes:
    return orjson.dumps(GOOD | changes)


def with_member(member: str) -> bytes:
    return good()[:-1] + b"," + member.encode() + b"}"


@pytest.mark.parametrize(
    ("raw", "strict"),
    [
        (with_member('"x":{"a":1,"b":{"a":1}}'), True),
        (with_member('"x":{"a":1,"a":1}'), False),
        (with_member('"user_id":"v"'), False),
        (with_member('"x":"\\ud83d\\ude00"'), True),
        (with_member('"x":"\\ud83d"'), False),
        (with_member('"x":"\\ude00\\ud83d"'), False),
        (with_member('"x":"\\\\ud83d"'), True),
        (with_member('"x":NaN'), False),
        (with_member('"x":' + "9" * 1000), True),
        (with_member('"x":-' + "9" * 1000), True),
        (with_member('"x":' + "9" * 1001), False),
        (with_member('"x":' + "[" * 15 + "]" * 15), True),
        (with_member('"x":' + "[" * 16 + "]" * 16), False),
        (with_member('"x":' + "[" * 15 + "]" * 15 + ',"y":[[],[],[]]'), True),  # many brackets, none too deep
        (with_member('"x":' + "[" * 5000 + "]" * 5000), False),
        (b" \n" + good() + b"\t\r\n", True),
        (good() + b"\n" + good(), False),
        (good() + b" xyz", False),
        (b"\xef\xbb\xbf" + good(), False),
        (good().decode().encode("utf-16"), False),
        (with_member('"x":"\xff"').decode().encode("latin-1"), False),
    ],
)
def test_a_message_is_one_strict_json_object(raw: bytes, strict: bool) -> None:
    read = read_event(raw, NOW)
    assert isinstance(read, dict) is strict, read
    if not strict:
        assert read == Rejection(*contract.LAX)


@pytest.mark.parametrize(("extra", "taken"), [(0, True), (1, False)])
def test_a_message_may_have_its_most_bytes_and_no_more(extra: int, taken: bool) -> None:
    raw = good() + b" " * (contract.MAX_BYTES - len(good()) + extra)
    assert isinstance(read_event(raw, NOW), dict) is taken


def test_long_numbers_are_ids_digit_by_digit() -> None:
    users = [read_event(with_member(f'"session_id":{n}'), NOW) for n in (18446744073709551617, 18446744073709551618)]
    assert [user["session_id"] for user in users if isinstance(user, dict)] == [
        "18446744073709551617",
        "18446744073709551618",
    ]
    for odd in ("1.0", "1e2", "9" * 39):
        read = read_event(with_member(f'"session_id":{odd}'), NOW)
        assert isinstance(read, Rejection)
        assert read.field == "session_id"


@pytest.mark.parametrize(
    ("ahead_ms", "taken"), [(0, True), (-1, True), (1, True), (290_000, True), (300_000, True), (300_001, False)]
)
def test_a_time_may_be_five_minutes_ahead_and_stays_what_the_client_said(ahead_ms: int, taken: bool) -> None:
    read = read_event(good(event_time=rfc3339(NOW + ahead_ms)), NOW)
    if taken:
        assert isinstance(read, dict)
        assert read["event_time"] == rfc3339(NOW + ahead_ms)
    else:
        assert read == Rejection("event_time", contract.AHEAD_REASON)


@pytest.mark.parametrize(("millis", "taken"), [(946_684_800_000, True), (946_684_799_999, False)])
def test_the_year_2000_is_the_oldest(millis: int, taken: bool) -> None:
    assert isinstance(read_event(good(event_time=rfc3339(millis)), NOW), dict) is taken


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('"4111111111111111"', True),  # the networks' published test numbers
        ('"4111 1111 1111 1111"', True),
        ('"5555-5555-5555-4444"', True),
        ('"378282246310005"', True),
        ('"3782 822463 10005"', True),
        ('"30569309025904"', True),
        ("6011111111111117", True),
        ('"\\u0034111111111111111"', True),
        ('"\\n4111111111111111"', True),
        ('"4111\\u00201111\\u00201111\\u00201111"', True),
        ('"4111\\n1111\\n1111\\n1111"', True),
        ('"no.4111111111111111"', True),
        ("0.4111111111111111", False),  # any fraction of a double
        ("12.4111111111111111", False),
        ('"4111111111111112"', False),
        ('"4111 1111-1111 1111"', False),
        ('"x4111111111111111"', False),
        ('"41111111111111110"', False),
        ('"1790000000000000002"', False),
        ('"12345678-1234-4234-8234-123456789012"', False),
    ],
)
def test_a_card_number_is_known_by_its_groups_first_digits_and_check_digit(text: str, holds: bool) -> None:
    assert holds_card(text) is holds
    assert isinstance(read_event(with_member(f'"note":{text}'), NOW), Rejection) is holds


def test_no_body_of_a_megabyte_takes_long() -> None:
    """Brackets too deep for a parser, then a text that never ends: each sign is looked at once or twice."""
    for text in ("[" * 5000 + '"' + '\\"' * 500_000, "[" * 5000 + '"' * 900_000, "[" * 5000 + "\\" * 900_000):
        began = time.process_time()
        with pytest.raises(json.JSONDecodeError):
            Reader(text).whole()
        assert time.process_time() - began < 5  # by the square of the length it would be an hour


@pytest.mark.parametrize(("number", "valid"), [("79927398713", True), ("79927398710", False), ("0", True)])
def test_luhns_rule_on_its_published_example(number: str, valid: bool) -> None:
    assert luhn(number) is valid


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b'{"card_token":"4111 1111 1111 1111"', b'{"card_token":"**** 1111"'),
        (b"\\u0034111111111111111", b"****1111"),
        (b"\xff4111111111111111\xff", b"\xff****1111\xff"),
        (rb'"4111\n1111\n1111\n1111"', b'"****\\n1111"'),
        (rb'"4111\u00a01111\u00a01111\u00a01111"', rb'"****\u00a01111"'),
        (b"34567 4111 1111 1111 1111", b"**** 1111"),
        (b"1234 4111 1111 1111 1111 99 00", b"1234 **** 99 00"),
        (b"4234567890123", b"****0123"),
        (b"423456789012", b"423456789012"),
        (b"e-1790000000000000002", b"e-1790000000000000002"),  # no network's: times and counters stay readable
    ],
)
def test_what_is_refused_is_kept_without_what_may_be_a_card_number(raw: bytes, kept: bytes) -> None:
    assert without_cards(raw) == kept


@pytest.mark.parametrize("field", ["user_id", "item_id", "category"])
@pytest.mark.parametrize("text", ["\u3164", "\u2800", " ", "\u200b\u202e", "\u0301", "\ufe0f"])
def test_an_id_must_show_something(field: str, text: str) -> None:
    read = read_event(good(**{field: text}), NOW)
    assert isinstance(read, Rejection)
    assert read.field == field
    assert isinstance(read_event(good(**{field: text + "a"}), NOW), dict)


def test_a_category_typed_as_letters_and_marks_is_the_composed_one() -> None:
    read = [read_event(good(category=text), NOW) for text in ("ve\u0302tements", "v\u00eatements")]
    assert [event["category"] for event in read if isinstance(event, dict)] == ["v\u00eatements"] * 2


def test_each_event_of_a_list_is_read_by_itself() -> None:
    bodies = [good().decode(), '{"query":"coat \\ud83d"}', "[" * 3000 + "]" * 3000, good(event_id="f").decode()]
    reads = events_of('{"note": 1, "events" : [' + " ,\n".join(bodies) + "]}", 10)
    assert [read.strict for read in reads] == [True, False, False, True]
    assert [read.text for read in reads] == bodies


@pytest.mark.parametrize(
    "text",
    ['{"events":[{},]}', '{"events":[{} {}]}', '{"events":[', '{"events":[],"events":[]}', '{"events":[]} x', "{"],
)
def test_a_list_that_is_no_json_is_told_with_its_place(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        events_of(text, 10)


def test_a_list_in_an_event_is_the_events_own() -> None:
    (read,) = events_of('{"event_type":"view","events":[1.50]}', 10)
    assert read.value["events"] == [Number("1.50", False)]


@pytest.mark.parametrize("text", ["1", "[1 ,2]", '{"a":{"b":[]}}', '"\\ud83d\\ude00"', "-0"])
def test_what_is_json_to_others_is_read_whole(text: str) -> None:
    json.loads(text)
    assert Reader(f" {text}\n").whole().text == text


@pytest.mark.parametrize("second", [b'{"price":-1}', b'{"query":"coat \\ud83d"}', b'{"a":1,"a":2}'])
def test_a_list_without_its_name_is_told_how_to_be_sent_whatever_is_in_it(second: bytes) -> None:
    with pytest.raises(ApiError, match="the body must be one event or") as refused:
        events_of((b"[" + good() + b"," + second + b"]").decode(), 100)
    assert refused.value.status == 400
