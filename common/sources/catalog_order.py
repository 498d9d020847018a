"""The one order of an item's changes, for the micro-batch, the lake's log, and (the same rules) `product.lua`.

A change is older than another of its item when
1. both have an lsn and its own is lower: the place in the database's log, which a restarted connector repeats;
2. else, with equal lsn or where one has none, both have `source.ts_ms` and its own is lower: other databases, some
   snapshots;
3. else it arrived earlier: by Kafka's time of the record, then by its offset. An offset alone orders nothing, as a
   topic made anew begins at 0 again.

Numbers are compared as decimal text, by length and then by digits: an lsn passes through no double and may be longer
than 64 bits. Among changes that all have an lsn, or that all have none, this is one order. Where only some have one
there may be none, as a clock can contradict the log: in one frame the clock decides then, where all have it, else the
arrival.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.sources.catalog import PRODUCT
from common.sources.category import normal_category
from common.sources.debezium import left_out

OPTIONAL = {  # what an older log, or a frame of fewer columns, does without
    "op": "string",
    "lsn": "bigint",
    "lsn_text": "string",
    "ts_ms": "bigint",
    "unavailable": "array<string>",
    "ingest_time": "timestamp",
    "offset": "bigint",
}


def complete(changes: DataFrame) -> DataFrame:
    """Changes of any release with today's columns: absent ones null, `lsn_text` in any case where there is an lsn, and
    no placeholder of Debezium's as a value, which releases before this took for the product's own; a category is called
    as it is today."""
    absent = {name: F.lit(None).cast(kind) for name, kind in OPTIONAL.items() if name not in changes.columns}
    whole = changes.withColumns(absent)
    texts = [name for name, kind in whole.dtypes if name in PRODUCT and kind == "string"]
    left = F.array_compact(F.array(*[F.when(left_out(F.col(name)), F.lit(name)) for name in texts]))
    named = F.coalesce("unavailable", F.array().cast("array<string>"))
    digits = F.coalesce("lsn_text", F.col("lsn").cast("string"))
    whole = whole.withColumns({"lsn_text": digits, "unavailable": F.array_union(named, left.cast("array<string>"))})
    known = whole.withColumns({name: F.when(~left_out(F.col(name)), F.col(name)) for name in texts})
    return known.withColumn("category", normal_category(F.col("category"))) if "category" in texts else known


def placed(changes: DataFrame) -> DataFrame:
    """`complete` changes and the `place` of each among those of its item, 1 for the oldest."""
    item = Window.partitionBy("item_id")
    lsn = F.when(F.count("lsn_text").over(item) == F.count(F.lit(1)).over(item), F.col("lsn_text"))
    ts_ms = F.when(F.count("ts_ms").over(item) == F.count(F.lit(1)).over(item), F.col("ts_ms"))
    rules = complete(changes).withColumns({"_lsn": lsn, "_ts_ms": ts_ms})
    order = item.orderBy(F.length("_lsn"), "_lsn", "_ts_ms", "ingest_time", "offset")
    return rules.withColumn("place", F.row_number().over(order)).drop("_lsn", "_ts_ms")
