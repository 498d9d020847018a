"""Catalogue change records (Debezium's envelope, bare or with its schema) → products, each valid or with what is wrong.

The order of an item's changes is in `common.sources.catalog_order`; what the values mean in `common.sources.debezium`.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common import events as contract
from common.events import ID_PATTERN
from common.sources.category import as_path, normal_category
from common.sources.debezium import SCHEMA, date, field_schema, left_out, number, without_row
from common.sources.json_rules import in_a_list, strict

TEXTS = ("title", "category", "brand", "style", "launch_date", "status")
PRODUCT = (*TEXTS, "price", "stock")
ROW = "struct<" + ",".join(f"{name}:string" for name in ("item_id", *PRODUCT)) + ">"
CHANGE = f"op:string,before:{ROW},after:{ROW},source:struct<ts_ms:string,lsn:string>,status:string,id:string"
ENVELOPE = f"struct<{CHANGE},schema:{SCHEMA},payload:struct<{CHANGE}>>"
MAX_PRICE = next(field.maximum for field in contract.FIELDS if field.name == "price")
POSITION = "^[0-9]{1,39}$"  # up to 128 bits
MILLIS = "^[0-9]{1,18}$"
COLUMNS = ("item_id", "op", *TEXTS, "price", "stock", "lsn", "ts_ms", "lsn_text", "unavailable")
RECORD = ("raw", "topic", "partition", "offset", "ingest_time")


def parse_changes(records: DataFrame) -> DataFrame:
    """Changes with a verdict. In: Kafka records. Out: `COLUMNS`, `field`, `reason`, `RECORD`; nothing raises.

    Texts are cut to 200 characters, the launch date is `YYYY-MM-DD` where it is a date; price double, stock bigint.
    `lsn_text` is `source.lsn` in decimal digits, whole whatever its length, and null without one; `lsn` the same as
    bigint, as older logs have it, null where it does not fit; `ts_ms` is null for 0, which connectors send for none.
    `unavailable` names the fields that keep the value they had: PostgreSQL leaves a TOASTed value out of an update that
    did not touch it. Records without a row are left out.
    """
    read = _opened(records).where(~without_row(F.col("text"), F.col("c.op"), F.col("c.status"), F.col("c.id")))
    valued = read.select("*", *_values()).withColumn("stock_text", _whole(F.col("stock_read.text")))
    digits = F.when(F.col("c.source.lsn").rlike(POSITION), F.regexp_replace("c.source.lsn", "^0+(?=[0-9])", ""))
    texts = [F.substring(f"v.{name}", 1, 200).alias(name) for name in TEXTS if name not in ("category", "launch_date")]
    typed = valued.select(
        F.col("row.item_id").alias("item_id"),
        F.col("c.op").alias("op"),
        *texts,
        F.substring(category(F.col("v.category")), 1, 200).alias("category"),
        F.substring("date_read.text", 1, 200).alias("launch_date"),
        F.col("price_read.text").try_cast("double").alias("price"),
        F.col("stock_text").try_cast("bigint").alias("stock"),
        digits.try_cast("bigint").alias("lsn"),
        F.nullif(F.col("c.source.ts_ms").try_cast("bigint"), F.lit(0)).alias("ts_ms"),
        digits.alias("lsn_text"),
        "unavailable",
        _verdict().alias("verdict"),
        *RECORD,
    )
    return typed.select(*COLUMNS, "verdict.field", "verdict.reason", *RECORD)


def category(text: Column) -> Column:
    """What a product's category is called from here on, as in events."""
    return normal_category(text)


def _opened(records: DataFrame) -> DataFrame:
    """Records with the change `c`, its `row`, `schema`, and the JSON once more as a variant for the types of values."""
    text = F.col("value").cast("string")
    read = records.select(
        text.alias("text"),
        # An empty value is null even as a struct, on which the code that Spark generates stumbles.
        F.coalesce(F.from_json(text, ENVELOPE), F.from_json(F.lit("{}"), ENVELOPE)).alias("e"),
        in_a_list(text).alias("json"),
        strict(F.col("value")).alias("strict"),
        F.col("value").alias("raw"),
        "topic",
        "partition",
        "offset",
        F.col("timestamp").alias("ingest_time"),
    )
    bare = F.struct(*[F.col(f"e.{name}") for name in ("op", "before", "after", "source", "status", "id")])
    wrapped = F.col("e.payload").isNotNull() & F.col("e.op").isNull()
    opened = read.withColumn("c", F.when(wrapped, F.col("e.payload")).otherwise(bare))
    opened = opened.withColumn("path", F.when(wrapped, F.lit("$[0].payload.after.")).otherwise(F.lit("$[0].after.")))
    row = F.when(F.col("c.op") == "d", F.col("c.before")).otherwise(F.col("c.after"))
    return opened.withColumn("row", row).withColumn("schema", F.when(wrapped, F.col("e.schema")))


def _values() -> list[Column]:
    """The row's values without the placeholders, the fields that have one, numbers and the date as they are meant."""
    known = {name: F.when(~left_out(F.col(f"row.{name}")), F.col(f"row.{name}")) for name in PRODUCT}
    absent = F.array_compact(F.array(*[F.when(left_out(F.col(f"row.{name}")), F.lit(name)) for name in PRODUCT]))
    return [
        F.struct(*[value.alias(name) for name, value in known.items()]).alias("v"),
        F.when(F.size(absent) > 0, absent).alias("unavailable"),
        *[
            number(known[name], _is_number(name), field_schema(F.col("schema"), "after", name)).alias(f"{name}_read")
            for name in ("price", "stock")
        ],
        date(known["launch_date"], field_schema(F.col("schema"), "after", "launch_date")).alias("date_read"),
    ]


def _is_number(name: str) -> Column:
    """Whether the field of `after` is a number in the JSON, not a text."""
    value = F.try_variant_get("json", F.concat("path", F.lit(name)), "variant")
    kind = F.schema_of_variant(value)
    return F.coalesce(kind.startswith("DECIMAL") | kind.isin("BIGINT", "DOUBLE", "FLOAT"), F.lit(False))


def _whole(text: Column) -> Column:
    """The text of a whole number without a fraction; null where there is one."""
    exact = text.try_cast("decimal(38,10)")
    return F.when(exact == F.floor(exact), F.floor(exact).cast("string"))


def _verdict() -> Column:
    """struct<field, reason> of the first rule that is broken. Of a deleted row only the id is asked for."""
    op, item, stays = F.col("c.op"), F.col("row.item_id"), F.col("c.op") != "d"
    row = F.when(op == "d", F.lit("before")).otherwise(F.lit("after"))
    item_field, name = F.concat(row, F.lit(".item_id")), F.col("v.category")
    name_length = F.greatest(F.length(name), F.length(category(name)))
    price = F.col("price_read.text").try_cast("double")
    is_price = F.coalesce(price.between(0, MAX_PRICE), F.lit(False))
    no_stock = F.col("stock_read.text").isNotNull() & F.col("stock_text").try_cast("bigint").isNull()
    lax, truncated = contract.LAX[1], "t (truncate) is not applied: it has no order among changes; send deletes"
    rules: list[tuple[Column, Column, Column | str]] = [
        (~F.col("strict"), F.lit(""), lax),
        (op.isNull(), F.lit(""), "not a change record: op, before, after, source"),
        (op == "t", F.lit("op"), truncated),
        (~op.isin("c", "u", "d", "r"), F.lit("op"), "must be c, u, d or r"),
        (F.col("row").isNull(), row, "is required for this op"),
        (item.isNull() | (item == ""), item_field, "is required"),
        (F.length(item) > 64, item_field, "must be at most 64 characters"),
        (left_out(item) | ~item.rlike(f"^(?:{ID_PATTERN})\\z"), item_field, "is no id"),
        (~F.col("c.source.lsn").rlike(POSITION), F.lit("source.lsn"), "must be 1 to 39 digits"),
        (~F.col("c.source.ts_ms").rlike(MILLIS), F.lit("source.ts_ms"), "must be 1 to 18 digits"),
        (stays & (name_length > 64), F.lit("after.category"), "must be at most 64 characters"),
        (
            stays & (F.length(as_path(name)) > 0) & ~as_path(name).rlike(f"^(?:{ID_PATTERN})\\z"),
            F.lit("after.category"),
            "starts with [ { or *, or has control characters",
        ),
        (stays & F.col("price_read.reason").isNotNull(), F.lit("after.price"), F.col("price_read.reason")),
        (stays & F.col("v.price").isNotNull() & ~is_price, F.lit("after.price"), "must be a number from 0"),
        (stays & F.col("stock_read.reason").isNotNull(), F.lit("after.stock"), F.col("stock_read.reason")),
        (stays & no_stock, F.lit("after.stock"), "must be a whole number"),
        (stays & F.col("date_read.reason").isNotNull(), F.lit("after.launch_date"), F.col("date_read.reason")),
    ]
    broken = [
        F.when(bad, F.struct(field.alias("field"), (F.lit(why) if isinstance(why, str) else why).alias("reason")))
        for bad, field, why in rules
    ]
    return F.coalesce(*broken)
