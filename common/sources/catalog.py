"""Catalogue change records (Debezium's envelope) → products, each valid or with what is wrong."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.events import FIELDS, ID_PATTERN

PRODUCT = (
    "item_id string, title string, category string, brand string, style string, price string, stock string, "
    "launch_date string, status string"
)
ENVELOPE = f"op string, before struct<{PRODUCT.replace(' string', ':string')}>, " + (
    f"after struct<{PRODUCT.replace(' string', ':string')}>, source struct<ts_ms:string,lsn:string>"
)
TEXTS = ("title", "category", "brand", "style", "launch_date", "status")
MAX_PRICE = next(field.maximum for field in FIELDS if field.name == "price")
COLUMNS = ("item_id", "op", *TEXTS, "price", "stock", "lsn", "ts_ms")


def parse_changes(records: DataFrame) -> DataFrame:
    """Changes with a verdict. In: Kafka records. Out: `COLUMNS` (price double, stock and lsn bigint;
    texts cut to 200 characters), `field`, `reason`, `raw`, topic, partition, offset, ingest_time. Without a
    `source.lsn` the offset orders the changes."""
    text = F.col("value").cast("string")
    read = records.select(
        F.from_json(text, ENVELOPE).alias("e"),
        F.col("value").alias("raw"),
        "topic",
        "partition",
        "offset",
        F.col("timestamp").alias("ingest_time"),
    )
    row = F.when(F.col("e.op") == "d", F.col("e.before")).otherwise(F.col("e.after"))
    opened = read.withColumn("row", row)
    lsn = F.coalesce(F.col("e.source.lsn").try_cast("bigint"), F.col("offset"))
    return opened.select(
        F.col("row.item_id").alias("item_id"),
        F.col("e.op").alias("op"),
        *[F.substring(f"row.{name}", 1, 200).alias(name) for name in TEXTS],
        F.col("row.price").try_cast("double").alias("price"),
        F.col("row.stock").try_cast("bigint").alias("stock"),
        lsn.alias("lsn"),
        F.col("e.source.ts_ms").try_cast("bigint").alias("ts_ms"),
        _verdict().alias("verdict"),
        "raw",
        "topic",
        "partition",
        "offset",
        "ingest_time",
    ).select(
        *COLUMNS,
        "verdict.field",
        "verdict.reason",
        "raw",
        "topic",
        "partition",
        "offset",
        "ingest_time",
    )


def _verdict() -> Column:
    item, price = F.col("row.item_id"), F.col("row.price")
    op = F.col("e.op")
    row_name = F.when(op == "d", F.lit("before")).otherwise(F.lit("after"))
    number = price.try_cast("double")
    rules = [
        (F.col("e").isNull() | op.isNull(), F.lit(""), "not a change record: op, before, after, source"),
        (~op.isin("c", "u", "d", "r"), F.lit("op"), "must be c, u, d or r"),
        (F.col("row").isNull(), row_name, "is required for this op"),
        (item.isNull() | (item == ""), F.concat(row_name, F.lit(".item_id")), "is required"),
        (F.length(item) > 64, F.concat(row_name, F.lit(".item_id")), "must be at most 64 characters"),
        (~item.rlike(f"^(?:{ID_PATTERN})\\z"), F.concat(row_name, F.lit(".item_id")), "is no id"),
        (F.length("row.category") > 64, F.lit("after.category"), "must be at most 64 characters"),
        (
            (F.length("row.category") > 0) & ~F.col("row.category").rlike(f"^(?:{ID_PATTERN})\\z"),
            F.lit("after.category"),
            "starts with [ { or *, or has control characters",
        ),
        (
            price.isNotNull() & ~F.coalesce(number.between(0, MAX_PRICE), F.lit(False)),
            F.lit("after.price"),
            "must be a number from 0",
        ),
    ]
    return F.coalesce(
        *[F.when(bad, F.struct(field.alias("field"), F.lit(why).alias("reason"))) for bad, field, why in rules]
    )
