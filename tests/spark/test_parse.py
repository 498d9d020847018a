"""The columns' validation and the collector's give the same verdict on the same bytes."""

from datetime import datetime, timezone
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from common import events as contract
from common.sources.parse import parse
from common.validate import Rejection, epoch_ms, read_event
from streaming.lake import lake_events

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
GOOD = {
    "event_id": "a",
    "event_type": "view",
    "event_time": "2026-11-23T00:00:00Z",
    "user_id": "u",
    "item_id": "i",
    "category": "c",
    "price": 1.5,
}
ODD: list[Any] = [
    *(None, "", 0, 1, 1.5, -1, True, "x" * 64, "x" * 65, "한" * 64, "한" * 65, "x" * 1_000_000, "👗", "a\x00b", "a\n"),
    *(
        "{x",
        "*",
        [1],
        {"a": 1},
        "1e2",
        "1e400",
        "NaN",
        "1d",
        " 5",
        100_000_001,
        1_000_001,
        "2026-02-30T00:00:00Z",
        "2099-01-01T00:00:00+09:00",
    ),
    *("1999-12-31T23:59:59.999Z", "2026-11-23T00:00:00.1234567z", "2026-11-23 00:00:00+09:00", "2026-11-23T00:00:00"),
    *("2026-11-23T12:05:00Z", "2026-11-23T12:05:00.001Z", *contract.EVENT_TYPES, "4111 1111 1111 1111"),
]
PAYMENTS: list[Any] = [
    *(None, "x", {}, [1], {"amount": 5.25}, {"amount": -1}, {"card_token": "4111111111111111"}, {"currency": "GBPX"}),
    *({"method": "m" * 65}, {"ip": "127.0.0.1", "device_id": "기기"}, {"amount": "x"}),
]
BYTES = [b"nope", b"[]", b"{}", b'"x"', b"", b"null", b'{"a":1}', b"\xff\xfe", b'{"event_id":"a"', b"123", b'{"x":{}}']


def parsed_from(spark: SparkSession, messages: list[bytes]) -> DataFrame:
    rows = [(bytearray(m), "behavior", 0, i, NOW) for i, m in enumerate(messages)]
    return parse(
        spark.createDataFrame(rows, "value binary, topic string, partition int, offset long, timestamp timestamp")
    )


def verdicts(spark: SparkSession, messages: list[bytes]) -> list[Row]:
    parsed = parsed_from(spark, messages)
    parsed = parsed.withColumns({name: F.unix_millis(name) for name in ("event_time", "client_time")})
    return sorted(parsed.collect(), key=lambda row: row.offset)


def by_python(message: bytes) -> dict[str, Any] | Rejection:
    return read_event(message, int(NOW.timestamp() * 1000))


def agree(row: Row, message: bytes) -> None:
    one = by_python(message)
    if isinstance(one, Rejection):
        assert (row.field, row.reason) == (one.field, one.reason), message[:200]
        return
    assert row.reason is None, (message[:200], row.reason)
    for name in contract.FIELD_NAMES:
        if name != "event_time":
            assert row[name] == one.get(name), (name, message[:200])
    said = epoch_ms(one["event_time"])
    assert said is not None
    assert (row.client_time, row.event_time) == (said, min(said, round(NOW.timestamp() * 1000)))


def test_every_field_with_every_odd_value_gets_the_same_verdict_from_both(spark: SparkSession) -> None:
    messages = BYTES + [orjson.dumps({**GOOD, name: value}) for name in contract.FIELD_NAMES for value in ODD]
    whole = {**GOOD, "order_id": "o", "query": "q", "surface": "s", "position": 1, "quantity": 2}
    messages += [
        orjson.dumps({**whole, "event_type": kind, "payment": payment})
        for kind in contract.EVENT_TYPES
        for payment in PAYMENTS
    ]
    for row, message in zip(verdicts(spark, messages), messages, strict=True):
        agree(row, message)


ANY_TEXT = st.text(max_size=70)
ANY_VALUE = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**12), st.floats(allow_nan=False), ANY_TEXT)


# Shrinking runs a Spark job a step: the message of a failure says enough.
@settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(st.dictionaries(st.sampled_from(contract.FIELD_NAMES), ANY_VALUE), min_size=50, max_size=120))
def test_whatever_stands_in_the_fields_both_agree_whether_it_is_an_event(
    spark: SparkSession, changes: list[dict[str, Any]]
) -> None:
    messages = [orjson.dumps({**GOOD, **change}) for change in changes]
    for row, message in zip(verdicts(spark, messages), messages, strict=True):
        assert (row.reason is None) == (not isinstance(by_python(message), Rejection)), message


@pytest.mark.parametrize(
    ("message", "field", "reason"),
    [
        (b"{broken", *contract.LAX),
        (b"{}", "", "not a JSON object with the fields of an event"),
        (orjson.dumps({**GOOD, "price": -1}), "price", "must be 0 to 100000000"),
        (orjson.dumps({**GOOD, "event_time": "2026-11-23T13:00:00Z"}), "event_time", contract.AHEAD_REASON),
        (orjson.dumps({**GOOD, "item_id": None}), "item_id", "is required for this event_type"),
        (orjson.dumps({**GOOD, "properties": [1]}), "properties", "must be an object"),
        (orjson.dumps({**GOOD, "payment": "card"}), "payment", "must be an object"),
        (orjson.dumps({**GOOD, "category": "x" * 200_000}), "category", "must be at most 64 characters"),
    ],
)
def test_a_refusal_names_the_field_and_the_rule(spark: SparkSession, message: bytes, field: str, reason: str) -> None:
    (row,) = verdicts(spark, [message])
    assert (row.field, row.reason, bytes(row.raw)) == (field, reason, message)


def test_of_a_name_in_properties_and_beside_it_the_lake_keeps_both(spark: SparkSession) -> None:
    sent = {**GOOD, "size": "M", "properties": {"size": "L", "colour": "red", "user_id": "x"}}
    (row,) = lake_events(parsed_from(spark, [orjson.dumps(sent)])).collect()
    assert orjson.loads(row.properties) == {"size": "M", "properties.size": "L", "colour": "red", "user_id": "x"}
