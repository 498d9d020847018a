"""Kafka records → events with a verdict: the columns' side of the rules in `common.events`."""

from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from common import events as contract
from common.schemas import EVENT_JSON
from common.sources.category import normal_category
from common.sources.json_rules import plainly_strict
from common.sources.verdict import verdict

PLACE = ("topic", "partition", "offset")
WRAPPED = StructType([StructField("r", EVENT_JSON), StructField("_corrupt_record", StringType())])

PAYMENT_TYPE = (
    "struct<method:string,amount:double,currency:string,card_token:string,device_id:string,ip:string,"
    "billing_country:string,shipping_country:string>"
)


def parse(records: DataFrame) -> DataFrame:
    """Events from Kafka records, each valid or with the first rule it breaks.

    In: `value` binary, `topic`, `partition`, `offset`, `timestamp` (when the broker took it: the receipt time that
    future times are judged by, so that a replay of the same log gives the same verdicts).
    Out: the contract's fields typed (`event_time` in milliseconds, not after the receipt; `category` in NFC),
    `payment`, then `field` and `reason` (both null when the event is valid), `client_time` (what the client says, the
    same in every copy of an event), `raw`, `topic`, `partition`, `offset`, `ingest_time`.
    Nothing raises: what is no JSON object gets the reason for that.
    """
    read = records.select(
        F.from_json(F.concat(F.lit('{"r":'), F.col("value").cast("string"), F.lit("}")), WRAPPED).alias("w"),
        F.col("value").alias("raw"),
        *PLACE,
        F.col("timestamp").alias("ingest_time"),
    ).withColumn("e", F.col("w.r"))
    typed = read.select(
        *[_typed(field).alias(field.name) for field in contract.FIELDS],
        _payment().alias("payment"),
        F.when(_plainly_valid(), F.lit(None))
        .otherwise(verdict(F.col("raw"), _time, F.col("ingest_time")))
        .alias("verdict"),
        "raw",
        *PLACE,
        "ingest_time",
    )
    received = F.timestamp_millis(F.unix_millis("ingest_time"))
    known = [F.col(name) for name in contract.FIELD_NAMES if name != "event_time"]
    return typed.select(
        F.least("event_time", received).alias("event_time"),
        *known,
        "payment",
        F.col("verdict.field").alias("field"),
        F.col("verdict.reason").alias("reason"),
        F.col("event_time").alias("client_time"),
        "raw",
        *PLACE,
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
    if field.name == "category":
        return normal_category(text)
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
    texts = [F.col(f"e.{field.name}") for field in contract.FIELDS if field.kind == "id"]
    texts += [F.col(f"e.payment.{field.name}") for field in contract.PAYMENT_FIELDS if field.kind == "id"]
    price, amount = (_absent_or(name, r"[0-9]{1,8}(?:\.[0-9]{1,9})?") for name in ("price", "payment.amount"))
    paid = F.col("e.payment").isNotNull() == event_type.isin(*contract.PAYMENT_TYPES)
    token = ~F.coalesce(F.col("e.payment.card_token").rlike(f"^(?:{contract.CARD_PATTERN})\\z"), F.lit(False))
    payment = paid & amount & token & _absent_or_short("payment.currency", 3)
    quantity = _absent_or("quantity", r"[1-9][0-9]{0,5}")
    position = _absent_or("position", r"[0-9]{1,8}")
    millis = F.unix_millis(_time(F.col("e.event_time")))
    newest = F.unix_millis("ingest_time") + contract.MAX_AHEAD_MS
    time = _matches(F.col("e.event_time"), contract.TIME_PATTERN) & millis.between(contract.OLDEST_MS, newest)
    query = _absent_or_short("query", 200)
    someone = F.length(F.coalesce("e.user_id", "e.session_id")) > 0
    needs = [
        ~event_type.isin(*types) | (F.length(f"e.{name}") > 0)
        for name, types in contract.REQUIRED
        if name != "event_id"
    ]
    known = event_type.isin(*contract.EVENT_TYPES) & (F.length("e.event_id") > 0)
    tests = [known, _plain_texts(raw, texts), query, someone, price, quantity, position, time, payment, *needs]
    return F.coalesce(reduce(and_, tests) & plainly_strict(F.col("raw"), F.col("w")), F.lit(False))


def _plain_texts(raw: Column, texts: list[Column]) -> Column:
    """Ids and texts are short, stand as JSON text, begin like one and show something. In a record whose escapes are
    those of letters beyond ASCII (`plainly_strict`) what begins with [ { or * shows as such in the raw text."""
    names = "|".join(f.name for f in (*contract.FIELDS, *contract.PAYMENT_FIELDS) if f.kind in ("id", "text", "time"))
    no_number = ~raw.rlike(rf'":(?=[ \t\r\n]*+[^"\sn])(?<="(?:{names})":)|"[ \t\r\n]+:')
    starts = [~F.contains(raw, F.lit(f'"{sign}')) for sign in "[{*"]
    ascii_only = (F.octet_length(raw) == F.length(raw)) & ~F.contains(raw, F.lit("\\"))
    blank = F.concat_ws("\x00", *texts).rlike(rf"(?:^|\x00)[{contract.BLANK}]+(?:\x00|\z)")
    blank_ascii = F.contains(raw, F.lit('" '))
    short = (F.greatest(*[F.octet_length(text) for text in texts]) <= 64) | (
        F.greatest(*[F.length(text) for text in texts]) <= 64
    )
    shown = F.when(ascii_only, ~blank_ascii | ~blank).otherwise(~blank)
    return short & no_number & ~F.contains(raw, F.lit("\x7f")) & reduce(and_, starts) & shown


def _absent_or(name: str, pattern: str) -> Column:
    return F.col(f"e.{name}").isNull() | _matches(F.col(f"e.{name}"), pattern)


def _absent_or_short(name: str, limit: int) -> Column:
    return F.col(f"e.{name}").isNull() | (F.length(f"e.{name}") <= limit)
