"""Values as Debezium and Kafka Connect write them into JSON, on columns: numbers, dates, what was left out.

What a value means the schema block says (`{"schema": …, "payload": …}`, the JSON converter with `schemas.enable`).
Without it, or where it says too little, only what has one meaning is read; the rest gets a reason, never a guess.
"""

from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

LEFT_OUT = ("__debezium_unavailable_value", "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==")  # as text, as bytes in base64
FIELD = "struct<field:string,type:string,name:string,parameters:map<string,string>>"
SCHEMA = f"struct<fields:array<struct<field:string,fields:array<{FIELD}>>>>"
DECIMAL = "org.apache.kafka.connect.data.Decimal"
DECIMAL_BYTES = 15  # of the unscaled value: below 2^119, which a decimal of 38 digits holds
WORD = "18446744073709551616"  # 2^64
# A text in base64 has no point: with one it is a number, and only then an exponent can be told from base64.
NUMBER = r"^-?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?)?$"
ISO_DATE = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[T ].*)?$"
DAYS = ("io.debezium.time.Date", "org.apache.kafka.connect.data.Date")
PER_SECOND = {  # epoch numbers by the names of their schemas
    "io.debezium.time.Timestamp": 1_000,
    "org.apache.kafka.connect.data.Timestamp": 1_000,
    "io.debezium.time.MicroTimestamp": 1_000_000,
    "io.debezium.time.NanoTimestamp": 1_000_000_000,
}
FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # of the years 1 to 9999
DAY_SECONDS = 86_400


def left_out(text: Column) -> Column:
    """Whether the text is what Debezium sends for a TOASTed value that an update did not touch."""
    return F.coalesce(text.isin(*LEFT_OUT), F.lit(False))


def field_schema(schema: Column, row: str, name: str) -> Column:
    """What the schema block says of the field `name` in `row` (before or after); null without one."""
    fields = F.get(F.filter(schema["fields"], lambda part: part["field"] == row), F.lit(0))["fields"]
    return F.get(F.filter(fields, lambda field: field["field"] == name), F.lit(0))


def number(text: Column, is_number: Column, schema: Column) -> Column:
    """struct<text, reason> of a number: decimal text that can be cast, or why there is none; both null without a value.

    `text` is the JSON value, `is_number` whether it was a JSON number, `schema` what `field_schema` gives. In base64
    are decimals of the mode `precise`, their scale in the schema, or beside the value in a VariableScaleDecimal.
    """
    variable = F.from_json(F.when(text.startswith("{"), text), "scale string, value string")
    is_bytes = F.coalesce((schema["type"] == "bytes") & ~is_number, F.lit(False))
    encoded = F.coalesce(variable["value"], F.when(is_bytes & ~text.startswith("{"), text))
    named = F.when(schema["name"] == DECIMAL, F.try_element_at(schema["parameters"], F.lit("scale")))
    scale = F.when(variable["value"].isNotNull(), variable["scale"]).otherwise(named).try_cast("smallint")
    unscaled = _unscaled(encoded)
    # A text may have an exponent only beside a point; what JSON itself calls a number may have any.
    plain = F.when(is_number | text.rlike(NUMBER), text)
    decoded = F.concat(unscaled, F.lit("E"), (-scale.cast("int")).cast("string"))
    reason = (
        F.when(encoded.isNotNull() & scale.isNull(), "is base64, and the schema names no scale for it")
        .when(encoded.isNotNull() & unscaled.isNull(), f"is no decimal in base64 of 1 to {DECIMAL_BYTES} bytes")
        .when(encoded.isNull() & plain.isNull(), "must be a number; base64 needs the schema block to be read")
    )
    value = F.when(encoded.isNotNull(), decoded).otherwise(plain)
    given = F.when(text.isNotNull(), reason)
    return F.struct(F.when(given.isNull(), value).alias("text"), given.alias("reason"))


def _unscaled(encoded: Column) -> Column:
    """The decimal text of a signed big-endian integer in base64; null where it is none, or too long."""
    read = F.try_to_binary(encoded, F.lit("base64"))
    digits = F.hex(F.when(F.length(read).between(1, DECIMAL_BYTES), read))
    negative = F.conv(F.substring(digits, 1, 1), 16, 10).cast("int") >= 8
    flipped = F.translate(digits, "0123456789ABCDEF", "FEDCBA9876543210")  # −1 − value
    positive = F.lpad(F.when(negative, flipped).otherwise(digits), 32, "0")
    high, low = (F.conv(F.substring(positive, at, 16), 16, 10).cast("decimal(20,0)") for at in (1, 17))
    value = (high * F.lit(WORD).cast("decimal(20,0)") + low).cast("decimal(38,0)")
    whole = F.when(negative, -value - F.lit(1).cast("decimal(1,0)")).otherwise(value)
    return whole.cast("decimal(38,0)").cast("string")


def date(text: Column, schema: Column) -> Column:
    """struct<text, reason> of a date: `YYYY-MM-DD`, or another text as it is; both null without a value.

    A number counts what its schema's name says. Without a schema a number of days of the years 1 to 9999 is days:
    Debezium sends a DATE as days in every mode that sends numbers, and as milliseconds these would be the first
    49 minutes of 1970. A larger one may be milliseconds, microseconds or nanoseconds and gets a reason.
    """
    name, is_text = schema["name"], F.coalesce(schema["type"] == "string", F.lit(False))
    is_count = text.rlike("^-?[0-9]+(?:[.eE][0-9eE+-]*)?$") & ~is_text
    count = F.when(is_count, text.try_cast("bigint"))
    days = reduce(
        lambda earlier, unit: earlier.when(name == unit[0], _floor_div(count, unit[1] * DAY_SECONDS)),
        PER_SECOND.items(),
        F.when(name.isin(*DAYS) | name.isNull(), count),
    )
    within = F.when(days.between(FIRST_DAY, LAST_DAY), days).cast("int")
    parts = F.from_json(F.when(text.startswith("{"), text), "year int, month int, day int")  # StructuredDate
    structured = F.format_string("%04d-%02d-%02d", parts["year"], parts["month"], parts["day"]).try_cast("date")
    iso = F.regexp_extract(text, ISO_DATE, 1)
    counted = F.date_add(F.lit("1970-01-01").cast("date"), within).cast("string")
    is_object = text.startswith("{")
    reason = (
        F.when(is_object & structured.isNull(), "is no date with year, month and day")
        .when(is_count & name.isNull() & within.isNull(), "is a number whose unit only the schema block could tell")
        .when(is_count & ~name.isin(*DAYS, *PER_SECOND), "is a number that its schema does not call a date")
        .when(is_count & within.isNull(), "is no date of the years 1 to 9999")
    )
    as_text = F.when(is_object, structured.cast("string")).when(is_count, counted)
    value = as_text.otherwise(F.coalesce(F.nullif(iso, F.lit("")), text))
    return F.struct(F.when(reason.isNull(), value).alias("text"), reason.alias("reason"))


def _floor_div(count: Column, unit: int) -> Column:
    below = F.when(count < 0, F.lit(-1)).otherwise(F.lit(0))  # `div` cuts towards 0
    exact = F.call_function("div", count - F.when(count < 0, F.lit(-1)).otherwise(F.lit(0)), F.lit(unit))
    return exact + below


def without_row(raw: Column, op: Column, status: Column, transaction: Column) -> Column:
    """Whether a record says nothing of any row, by Debezium's documentation: the empty value after a delete (also as
    `{"schema":null,"payload":null}`), a heartbeat, a transaction's BEGIN or END, a logical message (op m)."""
    body = F.coalesce(F.get_json_object(raw, "$.payload"), raw)
    heartbeat = op.isNull() & F.coalesce(F.json_object_keys(body) == F.array(F.lit("ts_ms")), F.lit(False))
    boundary = op.isNull() & status.isin("BEGIN", "END") & transaction.isNotNull()
    empty = raw.rlike(r'^\s*\{\s*"schema"\s*:\s*null\s*,\s*"payload"\s*:\s*null\s*\}\s*$')
    return raw.isNull() | empty | heartbeat | F.coalesce(boundary | (op == "m"), F.lit(False))
