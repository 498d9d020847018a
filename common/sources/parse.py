"""Kafka records → events with a verdict: the columns' side of the rules in `common.events`."""

from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common import events as contract
from common.schemas import EVENT_JSON
from common.sources.verdict import verdict

PAYMENT_TYPE = (
    "struct<method:string,amount:double,currency:string,card_token:string,device_id:string,ip:string,"
    "billing_country:string,shipping_country:string>"
)


def parse(records: DataFrame) -> DataFrame:
    """Events from Kafka records, each valid or with the first rule it breaks.

    In: `value` binary, `topic`, `partition`, `offset`, `timestamp` (the broker's append time: the receipt
    time that future times are judged by, so that a replay of the same log gives the same verdicts).
    Out: the contract's fields typed (`event_time` in milliseconds), `payment`, then `field` and `reason`
    (both null when the event is valid), `raw`, `topic`, `partition`, `offset`, `ingest_time`.
    Nothing raises: what is no JSON object gets the reason for that.
    """
    read = records.select(
        F.from_json(F.col("value").cast("string"), EVENT_JSON).alias("e"),
        F.col("value").alias("raw"),
        "topic",
        "partition",
        "offset",
        F.col("timestamp").alias("ingest_time"),
    )
    typed = read.select(
        *[_typed(field).alias(field.name) for field in contract.FIELDS],
        _payment().alias("payment"),
        F.when(_plainly_valid(), F.lit(None))
        .otherwise(verdict(F.col("raw").cast("string"), _time, F.col("ingest_time")))
        .alias("verdict"),
        "raw",
        "topic",
        "partition",
        "offset",
        "ingest_time",
    )
    fields = (*contract.FIELD_NAMES, "payment")
    return typed.select(
        *fields,
        F.col("verdict.field").alias("field"),
        F.col("verdict.reason").alias("reason"),
        "raw",
        "topic",
        "partition",
        "offset",
        "ingest_time",
    )


def valid(parsed: DataFrame) -> DataFrame:
    """The events that keep every rule."""
    return parsed.filter(F.col("reason").isNull())


def _text(name: str) -> Column:
    return F.nullif(F.col(f"e.{name}"), F.lit(""))


def _typed(field: contract.Field, path: str | None = None) -> Column:
    text = _text(path or field.name)
    if field.kind == "number":
        return text.try_cast("double")
    if field.kind == "integer":
        return text.try_cast("int")
    return _time(text) if field.kind == "time" else text


def _time(text: Column) -> Column:
    return F.timestamp_millis(F.unix_millis(F.upper(text).try_cast("timestamp")))


def _payment() -> Column:
    fields = [_typed(f, f"payment.{f.name}").alias(f.name) for f in contract.PAYMENT_FIELDS]
    return F.when(F.col("e.payment").isNotNull(), F.struct(*fields)).cast(PAYMENT_TYPE)


def _matches(text: Column, pattern: str) -> Column:
    return text.rlike(f"^(?:{pattern})\\z")


def _plainly_valid() -> Column:
    """A cheap test that only valid events pass, and nearly all of them do; the full rules are for the rest."""
    raw = F.col("raw").cast("string")
    event_type = F.col("e.event_type")
    ids = [F.col(f"e.{field.name}") for field in contract.FIELDS if field.kind == "id"]
    ids += [F.col(f"e.payment.{field.name}") for field in contract.PAYMENT_FIELDS if field.kind == "id"]
    no_escape = ~F.contains(raw, F.lit("\\")) & ~F.contains(raw, F.lit("\x7f"))
    # Without escapes no id has a line break in it, so that one look finds any that starts like an object or a list.
    no_nesting = ~F.concat_ws("\n", *ids).rlike(r"(?:^|\n)[\[{*]")
    price, amount = (_absent_or(name, r"[0-9]{1,8}(?:\.[0-9]{1,9})?") for name in ("price", "payment.amount"))
    paid = F.col("e.payment").isNotNull() == event_type.isin(*contract.PAYMENT_TYPES)
    token = ~F.coalesce(F.col("e.payment.card_token").rlike(f"^(?:{contract.CARD_PATTERN})\\z"), F.lit(False))
    payment = paid & amount & token & _absent_or_short("payment.currency", 3)
    quantity = _absent_or("quantity", r"[1-9][0-9]{0,5}")
    position = _absent_or("position", r"[0-9]{1,8}")
    millis = F.unix_millis(_time(F.col("e.event_time")))
    newest = F.unix_millis("ingest_time") + contract.MAX_AHEAD_MS
    time = _matches(F.col("e.event_time"), contract.TIME_PATTERN) & millis.between(contract.OLDEST_MS, newest)
    short = (F.greatest(*[F.length(text) for text in ids]) <= 64) & _absent_or_short("query", 200)
    someone = F.length(F.coalesce("e.user_id", "e.session_id")) > 0
    needs = [
        ~event_type.isin(*types) | (F.length(f"e.{name}") > 0)
        for name, types in contract.REQUIRED
        if name != "event_id"
    ]
    known = event_type.isin(*contract.EVENT_TYPES) & (F.length("e.event_id") > 0)
    tests = [no_escape, no_nesting, short, someone, price, quantity, position, time, known, payment, *needs]
    return F.coalesce(reduce(and_, tests), F.lit(False))


def _absent_or(name: str, pattern: str) -> Column:
    return F.col(f"e.{name}").isNull() | _matches(F.col(f"e.{name}"), pattern)


def _absent_or_short(name: str, limit: int) -> Column:
    return F.col(f"e.{name}").isNull() | (F.length(f"e.{name}") <= limit)
