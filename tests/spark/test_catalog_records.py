"""Change records as Debezium's documentation shows them: each value read for what it is, or a reason."""

import base64
from decimal import Decimal
from typing import Any

from pyspark.sql import Row, SparkSession

from common.sources.catalog import parse_changes
from tests.change_records import LEFT_OUT, ROW, SOURCE, delete, records, update, wrapped

DECIMAL = "org.apache.kafka.connect.data.Decimal"
NEEDS_SCHEMA = "must be a number; base64 needs the schema block"


def parsed(spark: SparkSession, messages: list[Any]) -> dict[int, Row]:
    """The rows by the place of their message."""
    return {row.offset: row for row in parse_changes(records(spark, messages)).collect()}


def precise(scale: int | None) -> dict[str, Any]:
    parameters = {} if scale is None else {"scale": str(scale), "connect.decimal.precision": "30"}
    return {"type": "bytes", "name": DECIMAL, "version": 1, "optional": True, "parameters": parameters}


def in_base64(value: str, scale: int) -> str:
    """A decimal's unscaled value as Java's BigInteger writes it: big-endian, the shortest two's complement."""
    unscaled = int(Decimal(value).scaleb(scale))
    size = (unscaled if unscaled >= 0 else -1 - unscaled).bit_length() // 8 + 1
    return base64.b64encode(unscaled.to_bytes(size, "big", signed=True)).decode()


def test_a_record_with_its_schema_block_is_read_like_its_bare_payload(spark: SparkSession) -> None:
    messages = [update("c"), update(), update("r"), delete()]
    rows = parsed(spark, [*messages, *[wrapped(message) for message in messages]])
    for n in range(4):
        bare, whole = (rows[at].asDict() | {"raw": None, "offset": None} for at in (n, n + 4))
        assert bare == whole
        assert whole["reason"] is None
    assert (rows[5].item_id, rows[5].title, rows[5].price, rows[5].stock) == ("1", "Anne Marie", 10.5, 3)
    assert (rows[5].lsn_text, rows[5].lsn, rows[5].ts_ms) == ("24023128", 24023128, 1559033904863)


def test_a_value_that_was_left_out_is_named_and_no_value(spark: SparkSession) -> None:
    as_bytes = base64.b64encode(LEFT_OUT.encode()).decode()
    rows = parsed(spark, [update(title=LEFT_OUT, price=as_bytes), update(status=None), wrapped(update(brand=LEFT_OUT))])
    assert (rows[0].title, rows[0].price, rows[0].unavailable) == (None, None, ["title", "price"])
    assert (rows[1].status, rows[1].unavailable) == (None, None)
    assert (rows[2].brand, rows[2].unavailable) == (None, ["brand"])
    assert [row.reason for row in rows.values()] == [None] * 3


PRICES = [
    # Kafka Connect's Decimal: bytes, the scale in the schema (decimal.handling.mode=precise, the default)
    *[("schema", in_base64(text, scale), precise(scale), float(text)) for text, scale in (("123.45", 2), ("0", 0))],
    ("schema", in_base64("0.07", 2), precise(2), 0.07),
    ("schema", in_base64("99999999.99", 18), precise(18), 99999999.99),  # more than 64 bits unscaled
    ("schema", in_base64("12.5", 30), precise(30), 12.5),
    ("schema", in_base64("1200", -2), precise(-2), 1200.0),
    ("schema", 12.34, precise(2), 12.34),  # the converter's decimal.format=NUMERIC
    ("schema", 1234, precise(2), 1234.0),
    ("schema", "1234", precise(2), 141040.28),  # base64 of d7 6d f8, below 0
    # VariableScaleDecimal: a column NUMERIC without a scale
    ("bare", {"scale": 1, "value": in_base64("31.3", 1)}, None, 31.3),
    ("schema", {"scale": 0, "value": in_base64("31", 0)}, {"type": "struct"}, 31.0),
    # decimal.handling.mode=string and =double
    ("bare", "31.30", None, 31.3),
    ("schema", "31.30", {"type": "string"}, 31.3),
    ("bare", 31.3, None, 31.3),
    ("bare", 1e-7, None, 1e-7),
    ("bare", "1.0E7", None, 1e7),
    ("bare", None, None, None),
]


def test_a_price_is_the_same_in_every_mode_of_decimals(spark: SparkSession) -> None:
    good = [case for case in PRICES if case[1] != "1234"]
    rows = parsed(spark, [message(*case[:3]) for case in good])
    assert [rows[n].reason for n in range(len(good))] == [None] * len(good)
    assert [rows[n].price for n in range(len(good))] == [case[3] for case in good]


def message(form: str, price: Any, kind: dict[str, Any] | None) -> dict[str, Any]:
    change = update(price=price)
    return wrapped(change, price=kind or {"type": "string"}) if form == "schema" else change


def test_a_price_that_cannot_be_known_is_quarantined_with_the_reason(spark: SparkSession) -> None:
    bad = [
        (update(price="MDk="), NEEDS_SCHEMA),
        (update(price="1e05"), NEEDS_SCHEMA),  # as good base64 as a number
        (update(price="NaN"), NEEDS_SCHEMA),
        (update(price="12d"), NEEDS_SCHEMA),
        (wrapped(update(price="MDk="), price={"type": "string"}), NEEDS_SCHEMA),
        (wrapped(update(price="MDk="), price=precise(None)), "is base64, and the schema names no scale for it"),
        (wrapped(update(price="MDk="), price={"type": "bytes"}), "is base64, and the schema names no scale for it"),
        (wrapped(update(price="?"), price=precise(2)), "is no decimal in base64 of 1 to 15 bytes"),
        (wrapped(update(price=in_base64("1", 40)), price=precise(40)), "is no decimal in base64 of 1 to 15 bytes"),
        (wrapped(update(price=in_base64("-0.01", 2)), price=precise(2)), "must be a number from 0"),
        (wrapped(update(price="1234"), price=precise(2)), "must be a number from 0"),
        (update(price={"scale": 1}), NEEDS_SCHEMA),
        (update(price={"value": "MDk="}), "is base64, and the schema names no scale for it"),
        (update(price=100_000_001), "must be a number from 0"),
    ]
    rows = parsed(spark, [change for change, _ in bad])
    assert [(rows[n].field, rows[n].reason) for n in range(len(bad))] == [("after.price", why) for _, why in bad]


def test_a_stock_is_a_whole_number_in_every_mode_too(spark: SparkSession) -> None:
    rows = parsed(
        spark,
        [
            update(stock="7"),
            update(stock="7.00"),
            wrapped(update(stock=in_base64("-7", 2)), stock=precise(2)),
            update(stock=7.5),
            update(stock="BwA="),
        ],
    )
    assert [rows[n].stock for n in range(3)] == [7, 7, -7]
    assert [rows[n].reason for n in range(5)] == [None, None, None, "must be a whole number", NEEDS_SCHEMA]
    assert {rows[n].field for n in (3, 4)} == {"after.stock"}


KAFKA, TIME = "org.apache.kafka.connect.data.", "io.debezium.time."
DAY_MS = 86_400_000
DATES = [
    (20512, None, "2026-02-28"),  # what Debezium sends for a DATE, schemas.enable=false
    (20512, TIME + "Date", "2026-02-28"),
    (20512, KAFKA + "Date", "2026-02-28"),
    (0, None, "1970-01-01"),
    (-1, TIME + "Date", "1969-12-31"),
    (20512 * DAY_MS + 1, KAFKA + "Timestamp", "2026-02-28"),
    (20512 * DAY_MS, TIME + "Timestamp", "2026-02-28"),
    (-1, TIME + "Timestamp", "1969-12-31"),
    (-DAY_MS, TIME + "Timestamp", "1969-12-31"),
    (1529507596945104, TIME + "MicroTimestamp", "2018-06-20"),  # the documentation's own
    (1529507596945104000, TIME + "NanoTimestamp", "2018-06-20"),
    ("2017-09-15Z", TIME + "IsoDate", "2017-09-15"),
    ("2019-07-09T02:28:57.123456Z", TIME + "IsoTimestamp", "2019-07-09"),
    ({"year": 2026, "month": 2, "day": 28}, TIME + "StructuredDate", "2026-02-28"),
    ("2026-02-28", None, "2026-02-28"),
    ("soon", None, "soon"),
    (None, TIME + "Date", None),
]


def dated(value: Any, name: str | None) -> dict[str, Any]:
    kind = "string" if isinstance(value, str) else "int64"
    change = update(launch_date=value)
    return wrapped(change, launch_date={"type": kind, "name": name}) if name else change


def test_a_launch_date_is_the_day_that_its_schema_says(spark: SparkSession) -> None:
    rows = parsed(spark, [dated(value, name) for value, name, _ in DATES])
    assert [(rows[n].launch_date, rows[n].reason) for n in range(len(DATES))] == [(day, None) for *_, day in DATES]


def test_a_launch_date_that_cannot_be_known_is_quarantined_with_the_reason(spark: SparkSession) -> None:
    bad = [
        (20512 * DAY_MS, None, "is a number whose unit only the schema block could tell"),
        (1.8e12, None, "is a number whose unit only the schema block could tell"),
        (20512, TIME + "MicroTime", "is a number that its schema does not call a date"),
        (2**31 - 1, TIME + "Date", "is no date of the years 1 to 9999"),  # infinity
        (9223372036825200000, TIME + "MicroTimestamp", "is no date of the years 1 to 9999"),  # infinity
        ("infinity", TIME + "MicroTimestamp", "must be a number, as its schema says"),
        (True, None, "must be a date"),
        ([1], None, "must be a date"),
        ({"specialValue": "infinity"}, TIME + "StructuredDate", "is no date with year, month and day"),
    ]
    changes = [dated(value, name) for value, name, _ in bad]
    changes.append(wrapped(update(launch_date=20512), launch_date={"type": "int32"}))
    reasons = [why for *_, why in bad] + ["is a number that its schema does not call a date"]
    rows = parsed(spark, changes)
    assert [(rows[n].field, rows[n].reason) for n in range(len(changes))] == [("after.launch_date", r) for r in reasons]


def test_a_time_of_0_is_none(spark: SparkSession) -> None:
    rows = parsed(spark, [update(source={"ts_ms": ts_ms}) for ts_ms in (0, 1, None)])
    assert [rows[n].ts_ms for n in range(3)] == [None, 1, None]


def test_records_that_say_nothing_of_a_row_are_passed_over(spark: SparkSession) -> None:
    begin = {"status": "BEGIN", "id": "571:53195829", "ts_ms": 1486500577125, "event_count": None}
    end = begin | {"status": "END", "data_collections": [{"data_collection": "s1.a", "event_count": 1}]}
    said = {"source": SOURCE, "op": "m", "ts_ms": 1, "message": {"prefix": "foo", "content": "Ymfy"}}
    silent: list[Any] = [None, {"schema": None, "payload": None}, {"ts_ms": 1}, begin, end, said]
    silent += [wrapped(message) for message in silent[2:]]
    assert parsed(spark, [*silent, update()]).keys() == {len(silent)}


def test_what_is_no_change_of_a_row_is_quarantined_with_the_reason(spark: SparkSession) -> None:
    truncate = {"source": SOURCE, "op": "t", "ts_ms": 1559033904961}
    bad: list[tuple[Any, str, str]] = [
        (truncate, "op", "t (truncate) is not applied: it has no order among changes; send deletes"),
        (wrapped(truncate), "op", "t (truncate) is not applied: it has no order among changes; send deletes"),
        (update("x"), "op", "must be c, u, d or r"),
        ({"ts_ms": 1, "title": "x"}, "", "not a change record: op, before, after, source"),
        (ROW, "", "not a change record: op, before, after, source"),
        (wrapped("x"), "", "not a change record: op, before, after, source"),
        (update() | {"after": None}, "after", "is required for this op"),
        (delete() | {"before": None}, "before", "is required for this op"),
        (delete(item=LEFT_OUT), "before.item_id", "is no id"),
        (update(source={"lsn": "0/16E9130"}), "source.lsn", "must be 1 to 39 digits"),
        (update(source={"lsn": -1}), "source.lsn", "must be 1 to 39 digits"),
        (update(source={"lsn": "9" * 40}), "source.lsn", "must be 1 to 39 digits"),
        (update(source={"ts_ms": 1.5}), "source.ts_ms", "must be 1 to 18 digits"),
    ]
    rows = parsed(spark, [change for change, *_ in bad])
    assert [(rows[n].field, rows[n].reason) for n in range(len(bad))] == [(field, why) for _, field, why in bad]


def test_bytes_that_are_not_one_strict_object_are_quarantined(spark: SparkSession) -> None:
    junk = [
        b"nope",
        b"\xff",
        b'{"op":"u"} {"op":"u"}',
        b'{"op":"u","op":"d"}',
        b"",
        b" \n",
        b"[]",
        b"1",
        b"null",
        b'"x"',
    ]
    rows = parsed(spark, [*junk, update()])
    assert [n for n in range(len(junk) + 1) if rows[n].reason] == list(range(len(junk)))


def test_an_lsn_stays_the_digits_it_was_beyond_64_bits(spark: SparkSession) -> None:
    given = ["1790000000000000002", "18446744073709551617", "9" * 39, "0007", "0"]
    as_number = [orjson_number(lsn) for lsn in given[:3]]
    rows = parsed(spark, [*[update(source={"lsn": lsn}) for lsn in given], *as_number])
    assert [rows[n].lsn_text for n in range(8)] == [*given[:3], "7", "0", *given[:3]]
    assert [rows[n].lsn for n in range(5)] == [1790000000000000002, None, None, 7, 0]


def orjson_number(lsn: str) -> bytes:
    """The update with an lsn of any length as a JSON number."""
    return b'{"op":"u","after":{"item_id":"1"},"source":{"lsn":%s,"ts_ms":1}}' % lsn.encode()


def test_of_a_deleted_row_only_the_id_is_asked_for(spark: SparkSession) -> None:
    gone = delete() | {
        "before": {"item_id": 7, "price": "MDk=", "stock": "x", "title": LEFT_OUT, "launch_date": 10**15}
    }
    row = parsed(spark, [gone])[0]
    assert (row.item_id, row.op, row.reason) == ("7", "d", None)
