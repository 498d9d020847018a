"""Kafka records → events with a verdict: the columns' side of the rules in `common.events`."""

from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common import events as contract
from common.schemas import EVENT_JSON

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
        F.when(_plainly_valid(), F.lit(None)).otherwise(_interpreted(_verdict())).alias("verdict"),
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


def _broken(when: Column, field: str, reason: str) -> Column:
    return F.when(when, F.struct(F.lit(field).alias("field"), F.lit(reason).alias("reason")))


def _field_rules(field: contract.Field, path: str) -> list[Column]:
    text, reasons = _text(path), contract.reasons(field)
    patterns = {
        "id": contract.ID_PATTERN,
        "number": contract.NUMBER_PATTERN,
        "integer": contract.INTEGER_PATTERN,
        "time": contract.TIME_PATTERN,
    }
    rules = []
    if field.kind in ("id", "text"):
        rules.append(_broken(F.length(text) > field.limit, path, reasons["limit"]))
    if field.kind in patterns:
        rules.append(_broken(~_matches(text, patterns[field.kind]), path, reasons["form"]))
    if field.kind in ("number", "integer"):
        number = text.try_cast("double")
        inside = number.between(field.minimum, field.maximum)
        rules.append(_broken(text.isNotNull() & ~inside, path, reasons["minimum"]))
    return rules


def _plainly_valid() -> Column:
    """A cheap test that only valid events pass, and nearly all of them do; the full rules are for the rest."""
    raw = F.col("raw").cast("string")
    event_type = F.col("e.event_type")
    ids = [F.col(f"e.{field.name}") for field in contract.FIELDS if field.kind == "id"]
    no_escape = ~F.contains(raw, F.lit("\\")) & ~F.contains(raw, F.lit("\x7f"))
    # Without escapes no id has a line break in it, so that one look finds any that starts like an object or a list.
    no_nesting = F.col("e.payment").isNull() & ~F.concat_ws("\n", *ids).rlike(r"(?:^|\n)[\[{*]")
    price = _absent_or("price", r"[0-9]{1,8}(?:\.[0-9]{1,9})?")
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
    known = event_type.isin(*contract.BEHAVIOR_TYPES, *contract.ORDER_TYPES) & (F.length("e.event_id") > 0)
    tests = [no_escape, no_nesting, short, someone, price, quantity, position, time, known, *needs]
    return F.coalesce(reduce(and_, tests), F.lit(False))


def _absent_or(name: str, pattern: str) -> Column:
    return F.col(f"e.{name}").isNull() | _matches(F.col(f"e.{name}"), pattern)


def _absent_or_short(name: str, limit: int) -> Column:
    return F.col(f"e.{name}").isNull() | (F.length(f"e.{name}") <= limit)


def _interpreted(column: Column) -> Column:
    """`column`, kept out of code generation: Spark runs lambdas interpreted. The full rules are some sixty
    branches; generated, they are a method too large for the JVM to compile, and every event pays for it."""
    return F.element_at(F.transform(F.array(F.lit(0)), lambda _: column), 1)


def _verdict() -> Column:
    rules = [_broken(F.col("e").isNull() | _nothing_read(), *contract.MALFORMED)]
    for field in contract.FIELDS:
        rules += _field_rules(field, field.name)
    event_type = _text("event_type")
    rules.append(_broken(~event_type.isin(*contract.EVENT_TYPES), "event_type", contract.TYPE_REASON))
    for name, types in contract.REQUIRED:
        needed = event_type.isNull() | event_type.isin(*types)
        rules.append(_broken(_text(name).isNull() & needed, name, contract.REQUIRED_REASON))
    no_one = _text("user_id").isNull() & _text("session_id").isNull()
    rules.append(_broken(no_one, "user_id", contract.NO_ONE_REASON))
    rules += _time_rules()
    rules += _payment_rules(event_type)
    return F.coalesce(*rules)


def _nothing_read() -> Column:
    """`from_json` answers an object of nulls for text that is no object; `{}` reads the same."""
    return F.coalesce(*[F.col(f"e.{name}") for name in contract.FIELD_NAMES]).isNull() & F.col("e.payment").isNull()


def _time_rules() -> list[Column]:
    time = _time(_text("event_time"))
    ahead = F.unix_millis(time) > F.unix_millis("ingest_time") + contract.MAX_AHEAD_MS
    form = contract.reasons(contract.FIELDS[2])["form"]
    return [
        _broken(time.isNull(), "event_time", form),
        _broken(ahead, "event_time", contract.AHEAD_REASON),
        _broken(F.unix_millis(time) < contract.OLDEST_MS, "event_time", contract.ANCIENT_REASON),
    ]


def _payment_rules(event_type: Column) -> list[Column]:
    missing = F.col("e.payment").isNull() & event_type.isin(*contract.PAYMENT_TYPES)
    rules = [_broken(missing, "payment", contract.PAYMENT_REASON)]
    for field in contract.PAYMENT_FIELDS:
        rules += _field_rules(field, f"payment.{field.name}")
    card = _matches(_text("payment.card_token"), contract.CARD_PATTERN)
    return [*rules, _broken(card, "payment.card_token", contract.CARD_REASON)]
