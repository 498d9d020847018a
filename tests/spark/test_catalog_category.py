"""A product's category is the one that events have: composed, however the shop's database keeps it."""

from datetime import datetime, timezone

import orjson
from pyspark.sql import SparkSession

from common.sources.catalog import parse_changes

RECORD = "value binary, topic string, partition int, offset long, timestamp timestamp"
NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def test_a_category_of_letters_and_marks_is_the_composed_one(spark: SparkSession) -> None:
    after = {"item_id": "i", "category": "ve\u0302tements"}
    value = orjson.dumps({"op": "c", "before": None, "after": after, "source": {"ts_ms": 1, "lsn": 2}})
    records = spark.createDataFrame([(bytearray(value), "catalog", 0, 0, NOW)], RECORD)
    (row,) = parse_changes(records).select("category", "reason").collect()
    assert (row.category, row.reason) == ("v\u00eatements", None)
