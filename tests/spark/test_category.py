"""Categories on columns are called as in Python, in events, in the catalogue, and out of a lake of an older release."""

import dataclasses
from datetime import datetime, timezone
from pathlib import Path
from random import Random

import orjson
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch.facts import changed_dates, recount
from batch.tables import newest_version, read_events
from common.category import normal_category as in_python
from common.sources.catalog import parse_changes
from common.sources.catalog_order import complete
from common.sources.category import normal_category
from common.sources.lake import ITEM_EXCESS, ITEM_FACTS, USER_FACTS, read_table, table_path
from tests.conftest import for_tests
from tests.lake_events import event, lake_events

RECORD = "value binary, topic string, partition int, offset long, timestamp timestamp"
NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def test_columns_and_python_call_a_category_the_same(spark: SparkSession) -> None:
    draw = Random(5)
    texts = ["".join(draw.choices("//a \u00e9e\u0301[\\.$", k=draw.randrange(12))) for _ in range(2000)]
    frame = spark.createDataFrame([(text,) for text in texts], "t string")
    rows = frame.select("t", normal_category(F.col("t")).alias("n")).collect()
    assert [(row.t, row.n) for row in rows if row.n != in_python(row.t)] == []


@pytest.mark.parametrize(
    ("typed", "named", "reason"),
    [
        ("/women//shoes/", "women/shoes", None),
        ("///", "", None),
        ("/[x", None, "starts with [ { or *"),
        ("/ ", None, "starts with [ { or *"),
    ],
)
def test_a_product_is_of_the_category_so_called(
    spark: SparkSession, typed: str, named: str | None, reason: str | None
) -> None:
    value = orjson.dumps({"op": "c", "before": None, "after": {"item_id": "i", "category": typed}, "source": {}})
    records = spark.createDataFrame([(bytearray(value), "catalog", 0, 0, NOW)], RECORD)
    (row,) = parse_changes(records).select("category", "field", "reason").collect()
    if reason is None:
        assert (row.category, row.reason) == (named, None)
    else:
        assert row.field == "after.category" and row.reason.startswith(reason)


def test_an_older_log_of_the_catalogue_is_read_so_too(spark: SparkSession) -> None:
    log = spark.createDataFrame([("i", "/women/"), ("j", None)], "item_id string, category string")
    assert {row.item_id: row.category for row in complete(log).collect()} == {"i": "women", "j": None}


def test_facts_of_an_older_lake_are_of_one_category_once_counted_again(spark: SparkSession, tmp_path: Path) -> None:
    config = for_tests(tmp_path)
    typed = ["women/shoes", "/women/shoes", "women//shoes", "women/shoes/"]
    rows = [event(n, "view", n, f"u{n}", "i", category=text) for n, text in enumerate(typed)]
    rows.append(event(9, "view", 9, "u9", "j", category="/"))
    lake_events(spark, rows).write.format("delta").partitionBy("date").save(table_path(config, "events"))
    read = {row.category for row in read_events(spark, config).select("category").distinct().collect()}
    assert read == {"women/shoes", None}
    version = newest_version(spark, config, "events")
    recount(spark, config, version, changed_dates(spark, config, version))
    facts = read_table(spark, config, ITEM_FACTS).groupBy("category", "item_id").agg(F.sum("views").alias("n"))
    assert {(row.category, row.item_id): row.n for row in facts.collect()} == {("women/shoes", "i"): 4, ("", "j"): 1}
    assert changed_dates(spark, config, version) == []
    for name in (ITEM_FACTS, USER_FACTS, ITEM_EXCESS):  # as docs/operations.md says, to have all counted again
        Path(table_path(config, name)).rename(tmp_path / name)
    assert changed_dates(spark, dataclasses.replace(config), version) == [rows[0]["date"].isoformat()]
