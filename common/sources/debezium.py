"""Values as Debezium and Kafka Connect write them into JSON, on columns: numbers, dates, what was left out.

What a value means the schema block says (`{"schema": …, "payload": …}`, the JSON converter with `schemas.enable`).
Without it, or where it says too little, only what has one meaning is read; the rest gets a reason, never a guess.
"""

from collections.abc import Callable
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
    parts = F.struct(
        text.alias("text"), is_number.alias("is_number"), schema.alias("schema"), variable.alias("variable")
    )
    return let(parts, lambda given: let(_encoded(given), _number))


def _encoded(given: Column) -> Column:
    """What is in base64, its scale, and the text if it is plainly a number."""
    text, schema, variable = given["text"], given["schema"], given["variable"]
    is_bytes = (schema["type"] == "bytes") & ~given["is_number"] & variable.isNull()
    named = F.when(schema["name"] == DECIMAL, F.try_element_at(schema["parameters"], F.lit("scale")))
    encoded = F.coalesce(variable["value"], F.when(is_bytes, text))
    scale = F.when(variable["value"].isNotNull(), variable["scale"]).otherwise(named).try_cast("smallint")
    plain = F.when(given["is_number"] | text.rlike(NUMBER), text)
    return F.struct(
        text.isNotNull().alias("given"),
        (encoded.isNotNull()).alias("is_encoded"),
        _unscaled(encoded).alias("unscaled"),
        scale.cast("int").alias("scale"),
        plain.alias("plain"),
    )


def _number(read: Column) -> Column:
    encoded, unscaled, scale = read["is_encoded"], read["unscaled"], read["scale"]
    reason = (
        F.when(encoded & scale.isNull(), "is base64, and the schema names no scale for it")
        .when(encoded & unscaled.isNull(), f"is no decimal in base64 of 1 to {DECIMAL_BYTES} bytes")
        .when(read["given"] & ~encoded & read["plain"].isNull(), "must be a number; base64 needs the schema block")
    )
    value = F.when(encoded, F.concat(unscaled, F.lit("E"), (-scale).cast("string"))).otherwise(read["plain"])
    return F.struct(value.alias("text"), reason.alias("reason"))


def _unscaled(encoded: Column) -> Column:
    """The decimal text of a signed big-endian integer in base64; null where it is none, or too long."""
    digits = let(
        F.try_to_binary(encoded, F.lit("base64")),
        lambda read: F.hex(F.when(F.length(read).between(1, DECIMAL_BYTES), read)),
    )

    def value(part: Column) -> Column:
        high, low = (F.conv(F.substring(part, at, 16), 16, 10).cast("decimal(20,0)") for at in (1, 17))
        return (high * F.lit(WORD).cast("decimal(20,0)") + low).cast("decimal(38,0)")

    def signed(text: Column) -> Column:
        flipped = F.translate(text, "0123456789ABCDEF", "FEDCBA9876543210")  # −1 − value
        below = let(F.lpad(flipped, 32, "0"), lambda part: -value(part) - F.lit(1).cast("decimal(1,0)"))
        above = let(F.lpad(text, 32, "0"), value)
        return F.when(F.substring(text, 1, 1) >= "8", below).otherwise(above).cast("decimal(38,0)").cast("string")

    return let(digits, signed)


def date(text: Column, schema: Column) -> Column:
    """struct<text, reason> of a date: `YYYY-MM-DD`, or another text as it is; both null without a value.

    A number counts what its schema's name says. Without a schema a number of days of the years 1 to 9999 is days:
    Debezium sends a DATE as days in every mode that sends numbers, and as milliseconds these would be the first
    49 minutes of 1970. A larger one may be milliseconds, microseconds or nanoseconds and gets a reason, as does one
    whose schema has no name: Debezium and Kafka Connect name every date.
    """
    is_count = text.rlike("^-?[0-9]+(?:[.eE][0-9eE+-]*)?$") & ~F.coalesce(schema["type"] == "string", F.lit(False))
    parts = F.from_json(F.when(text.startswith("{"), text), "year int, month int, day int")  # StructuredDate
    given = F.struct(
        text.alias("text"),
        F.coalesce(schema["name"], F.when(schema.isNotNull(), F.lit(""))).alias("name"),
        is_count.alias("is_count"),
        F.when(is_count, text.try_cast("bigint")).alias("count"),
        parts.alias("parts"),
    )
    return let(given, lambda value: let(_day(value), lambda read: _date(value, read)))


def _day(given: Column) -> Column:
    """The date that a number or a structure means; null for anything else."""
    days = reduce(
        lambda earlier, unit: earlier.when(given["name"] == unit[0], _floor_div(given["count"], unit[1] * DAY_SECONDS)),
        PER_SECOND.items(),
        F.when(given["name"].isin(*DAYS) | given["name"].isNull(), given["count"]),
    )
    within = let(days, lambda count: F.when(count.between(FIRST_DAY, LAST_DAY), count).cast("int"))
    year, month, day = (given["parts"][name] for name in ("year", "month", "day"))
    structured = F.format_string("%04d-%02d-%02d", year, month, day).try_cast("date")
    counted = F.date_add(F.lit("1970-01-01").cast("date"), within)
    return F.when(given["is_count"], counted).otherwise(structured).cast("string")


def _date(given: Column, day: Column) -> Column:
    text, name = given["text"], given["name"]
    missing = given["is_count"] & day.isNull()
    reason = (
        F.when(given["parts"].isNotNull() & day.isNull(), "is no date with year, month and day")
        .when(missing & name.isNull(), "is a number whose unit only the schema block could tell")
        .when(missing & ~name.isin(*DAYS, *PER_SECOND), "is a number that its schema does not call a date")
        .when(missing, "is no date of the years 1 to 9999")
        .when(
            day.isNull() & ~text.rlike(ISO_DATE) & name.isin(*DAYS, *PER_SECOND), "must be a number, as its schema says"
        )
        .when(text.isin("true", "false") | text.startswith("["), "must be a date")
    )
    iso = F.nullif(F.regexp_extract(text, ISO_DATE, 1), F.lit(""))
    value = F.when(reason.isNull(), F.coalesce(day, iso, text))
    return F.struct(value.alias("text"), reason.alias("reason"))


def _floor_div(count: Column, unit: int) -> Column:
    """Rounded down; Spark's `div` cuts towards 0."""
    up = F.call_function("div", count + F.lit(1), F.lit(unit)) - F.lit(1)
    return F.when(count < 0, up).otherwise(F.call_function("div", count, F.lit(unit)))


def let(value: Column, use: Callable[[Column], Column]) -> Column:
    """`use(value)`, where `value` is planned and worked out once however often it is used."""
    return F.get(F.transform(F.array(value), use), F.lit(0))


def without_row(raw: Column, op: Column, status: Column, transaction: Column) -> Column:
    """Whether a record says nothing of any row, by Debezium's documentation: the empty value after a delete (also as
    `{"schema":null,"payload":null}`), a heartbeat, a transaction's BEGIN or END, a logical message (op m)."""
    body = F.coalesce(F.get_json_object(raw, "$.payload"), raw)
    heartbeat = op.isNull() & F.coalesce(F.json_object_keys(body) == F.array(F.lit("ts_ms")), F.lit(False))
    boundary = op.isNull() & status.isin("BEGIN", "END") & transaction.isNotNull()
    empty = raw.rlike(r'^\s*\{\s*"schema"\s*:\s*null\s*,\s*"payload"\s*:\s*null\s*\}\s*$')
    return raw.isNull() | empty | heartbeat | F.coalesce(boundary | (op == "m"), F.lit(False))
