"""Kafka records → events with a verdict: the columns' side of the rules in `common.events`."""

from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from common import events as contract
from common.schemas import EVENT_JSON
from common.sources.category import MAX_CATEGORY, as_path, normal_category
from common.sources.json_rules import plainly_strict
from common.sources.verdict import verdict

SIGN = "\x00"
WRAPPED = StructType([StructField("r", EVENT_JSON)])
PLACE = ("topic", "partition", "offset")

PAYMENT_TYPE = (
    "struct<method:string,amount:double,currency:string,card_token:string,device_id:string,ip:string,"
    "billing_country:string,shipping_country:string>"
)


def parse(records: DataFrame) -> DataFrame:
    """Events from Kafka records, each valid or with the first rule it breaks.

    In: `value` binary, `topic`, `partition`, `offset`, `timestamp` (when the broker took it: the receipt time that
    future times are judged by, so that a replay of the same log gives the same verdicts).
    Out: the contract's fields typed (`event_time` in milliseconds, not after the receipt; `category` as it is called),
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
    read = read.withColumn("said", _time(F.col("e.event_time")))
    typed = read.select(
        *[(F.col("said") if f.kind == "time" else _typed(f)).alias(f.name) for f in contract.FIELDS],
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
        return F.coalesce(text.try_cast("int"), _integer_of_double(text))
    if field.name == "category":
        return F.nullif(normal_category(text), F.lit(""))
    return text


def _integer_of_double(text: Column) -> Column:
    """1 of a number that Spark writes 1.0; null where there is a fraction."""
    amount = text.try_cast("double")
    return F.when(amount == F.rint(amount), amount.try_cast("int"))


def _time(text: Column) -> Column:
    """Null for another form than the contract's: of years before 0 Spark reads some that it cannot calculate with."""
    read = F.timestamp_millis(F.unix_millis(F.upper(text).try_cast("timestamp")))
    return F.when(_matches(text, contract.TIME_PATTERN), read)


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
    payment = paid & amount & token & _absent_or_short("payment.currency", 3) & _plain_objects(raw)
    quantity = _absent_or("quantity", r"[1-9][0-9]{0,5}")
    position = _absent_or("position", r"[0-9]{1,8}")
    millis = F.unix_millis("said")
    newest = F.unix_millis("ingest_time") + contract.MAX_AHEAD_MS
    time = millis.between(contract.OLDEST_MS, newest)
    query = _absent_or_short("query", 200)
    someone = F.length(F.coalesce("e.user_id", "e.session_id")) > 0
    named = [~F.lower(F.coalesce(f"e.{name}", F.lit(""))).isin(*contract.NOBODY) for name in contract.PERSON_FIELDS]
    needs = [
        ~event_type.isin(*types) | (F.length(f"e.{name}") > 0)
        for name, types in contract.REQUIRED
        if name != "event_id"
    ]
    known = event_type.isin(*contract.EVENT_TYPES) & (F.length("e.event_id") > 0)
    tests = [known, _plain_texts(raw, texts), query, someone, *named, price, quantity, position, time, payment, *needs]
    return F.coalesce(reduce(and_, tests) & plainly_strict(F.col("raw")), F.lit(False))


def _plain_texts(raw: Column, ids: list[Column]) -> Column:
    """Ids are short, and ids and queries stand as JSON text or as what is the same to both readers, begin like one and
    show something. No value has the sign that they are joined by: its escape is none that `plainly_strict` lets pass.

    Spark writes a fraction with a point and what is no finite number with quotation marks; a whole number is exact,
    and too long to be an id above 38 digits; a boolean is no id. Only where one of these may be does the raw text say
    what it was.
    """
    names = "|".join(f.name for f in (*contract.FIELDS, *contract.PAYMENT_FIELDS) if f.kind in ("id", "text"))
    bare = raw.rlike(rf'[{{,][ \t\r\n]*+"(?:{names})"[ \t\r\n]*+:[ \t\r\n]*+[^"\sn]')
    path = as_path(F.col("e.category"))  # what is wrong with the typed one is with it, and may be with it only
    texts = F.concat_ws(SIGN, F.lit(""), *ids, path, "e.query")
    longest = F.greatest(*[F.octet_length(text) for text in ids])
    odd = (
        (F.greatest(longest, F.octet_length("e.query")) > 38)
        | F.contains(texts, F.lit("."))
        | F.contains(texts, F.lit('"'))
        | F.contains(texts, F.lit(f"{SIGN}true"))
        | F.contains(texts, F.lit(f"{SIGN}false"))
    )
    begins = [~F.contains(texts, F.lit(f"{SIGN}{sign}")) for sign in "[{*"]
    plain = (F.octet_length(texts) == F.length(texts)) & ~F.contains(texts, F.lit(f"{SIGN} "))
    blank = texts.rlike(rf"{SIGN}[{contract.BLANK}]+(?:{SIGN}|\z)")
    short = (longest <= 64) | (F.greatest(*[F.length(text) for text in ids]) <= 64)
    # A composed text has at most three characters for one (UAX 15).
    category = F.col("e.category").isNull() | (F.length("e.category") <= MAX_CATEGORY // 3) | (longest <= MAX_CATEGORY)
    return short & category & (~odd | ~bare) & ~F.contains(raw, F.lit("\x7f")) & reduce(and_, begins) & (plain | ~blank)


def _plain_objects(raw: Column) -> Column:
    """Where these names stand in the text, they are read as objects, or are null."""
    payment = F.contains(raw, F.lit('"payment"')) == F.col("e.payment").isNotNull()
    other = raw.rlike(r'"properties"[ \t\r\n]*+:[ \t\r\n]*+[^{ \t\r\nn]')
    return payment & (~F.contains(raw, F.lit('"properties"')) | ~other)


def _absent_or(name: str, pattern: str) -> Column:
    return F.col(f"e.{name}").isNull() | _matches(F.col(f"e.{name}"), pattern)


def _absent_or_short(name: str, limit: int) -> Column:
    return F.col(f"e.{name}").isNull() | (F.length(f"e.{name}") <= limit)
