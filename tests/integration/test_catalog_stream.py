"""Debezium's own examples through Kafka, the queries `catalog` and `lake`, and the job `rebuild`."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import orjson
import pytest
import redis
from kafka import KafkaProducer
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from batch import rebuild
from batch.ctr_inputs import with_product
from batch.products import newest_products
from batch.tables import append
from common.config import Config
from common.kafka_client import kafka_python_settings
from common.keys import Keys
from common.sources.lake import CATALOG, QUARANTINE, read_table
from streaming import catalog, lake
from tests.change_records import LEFT_OUT, SOURCE, delete, update, wrapped

OLD = datetime(2026, 1, 1, tzinfo=timezone.utc)
OLD_LOG = (
    "item_id string, op string, title string, category string, brand string, style string, launch_date string,"
    " status string, price double, stock bigint, lsn bigint, ts_ms bigint, ingest_time timestamp, date date"
)
DECIMAL = {"type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}}
DATE = {"type": "int32", "name": "io.debezium.time.Date"}


@pytest.fixture
def config(config: Config) -> Config:
    """The lake commits at once: nobody waits for the next half minute."""
    return dataclasses.replace(config, streaming=dataclasses.replace(config.streaming, lake_trigger="0 seconds"))


@pytest.fixture
def queries() -> Iterator[list[StreamingQuery]]:
    started: list[StreamingQuery] = []
    yield started
    for query in started:
        query.stop()


def send(config: Config, messages: list[Any]) -> None:
    producer = KafkaProducer(**kafka_python_settings(config))
    for message in messages:
        body = message if message is None or isinstance(message, bytes) else orjson.dumps(message)
        producer.send(config.topic("catalog"), body, key=b"1")
    producer.flush()
    producer.close()


def product(connection: redis.Redis, config: Config, item: str) -> dict[str, str]:
    fields = connection.hgetall(Keys(config.redis.prefix).product(item))
    return {name.decode(): value.decode() for name, value in fields.items()}


def test_what_debezium_sends_reaches_the_product_the_log_and_rebuild_and_stops_no_query(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, queries: list[StreamingQuery]
) -> None:
    truncate = {"source": SOURCE, "op": "t", "ts_ms": 1559033904961}
    created = update("c", {"lsn": 1}, title="T" * 50, price="MDk=", launch_date=20512, brand="b")
    changed = update("u", {"lsn": "18446744073709551617"}, title=LEFT_OUT, brand=LEFT_OUT, price="1.10", style="s")
    begin = {"status": "BEGIN", "id": "571:53195829", "ts_ms": 1486500577125}
    silent = [None, {"ts_ms": 1}, begin, {"source": SOURCE, "op": "m", "message": {"prefix": "foo"}}]
    junk = [b"", b" ", b"null", b"\xff", truncate, update(price="MDk="), update(source={"lsn": "x"})]
    send(config, [wrapped(created, price=DECIMAL, launch_date=DATE), *silent, *junk, changed])
    send(config, [update("c", {"lsn": 5}, item_id="2"), delete({"lsn": 6}, "2"), None])
    query, log = catalog.start(spark, config), lake.start(spark, config)
    queries += [query, log]
    query.processAllAvailable()
    log.processAllAvailable()
    assert query.isActive and log.isActive
    expected = {"title": "T" * 50, "category": "dresses", "brand": "b", "status": "active", "stock": "3", "style": "s"}
    expected |= {"price": "1.1", "lsn": "18446744073709551617"}  # its table has no launch date any more

    def stands() -> dict[str, str]:
        return {name: value for name, value in product(redis_conn, config, "1").items() if name in expected}

    assert stands() == expected
    assert product(redis_conn, config, "2")["status"] == "withdrawn"
    rows = {row.lsn_text: row for row in read_table(spark, config, CATALOG).collect()}
    assert rows.keys() == {"1", "18446744073709551617", "5", "6"}
    assert (rows["1"].price, rows["1"].launch_date, rows["1"].unavailable) == (123.45, "2026-02-28", None)
    assert (rows["18446744073709551617"].title, rows["18446744073709551617"].lsn) == (None, None)
    assert rows["18446744073709551617"].unavailable == ["title", "brand"]
    assert read_table(spark, config, QUARANTINE).count() == len(junk)
    assert newest_products(spark, config).collect()[0].asDict() == {"item": "1", "style": "s", "brand": "b"}  # type: ignore[union-attr]
    for item in ("1", "2"):
        redis_conn.delete(Keys(config.redis.prefix).product(item))
    assert rebuild._products(spark, config) == 2
    assert stands() == expected
    assert product(redis_conn, config, "2")["status"] == "withdrawn"


def test_a_log_of_an_earlier_release_gets_the_new_columns_and_is_read_with_or_without_them(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, queries: list[StreamingQuery]
) -> None:
    values = ("dresses", "b", "s", "2026-01-01", "active", 2.0, 3)
    by_offset = ("2", "u", "two", *values, 900, 50, OLD, OLD.date())  # no lsn: the offset stood for it
    old = [
        ("1", "c", "one", *values, 7, 7, OLD, OLD.date()),
        ("1", "u", LEFT_OUT, *values, 8, 8, OLD, OLD.date()),
        by_offset,
    ]
    append(spark.createDataFrame(old, OLD_LOG), config, CATALOG, "date")
    assert rebuild._products(spark, config) == 2
    assert product(redis_conn, config, "1")["title"] == "one"
    assert {row.item for row in newest_products(spark, config).collect()} == {"1", "2"}  # type: ignore[union-attr]
    newer = update("u", {"lsn": 9, "ts_ms": 9}, title="newer", brand=LEFT_OUT, style="t")
    send(config, [newer, update("u", {"lsn": None, "ts_ms": 51}, item_id="2", title="three")])
    log = lake.start(spark, config)
    queries.append(log)
    log.processAllAvailable()
    table = read_table(spark, config, CATALOG)
    assert table.count() == 5
    assert rebuild._products(spark, config) == 2
    assert [product(redis_conn, config, item)["title"] for item in ("1", "2")] == ["newer", "three"]
    first = next(row for row in newest_products(spark, config).collect() if row.item == "1")  # type: ignore[union-attr]
    assert (first.style, first.brand) == ("t", "b")
    asked = spark.createDataFrame([("1", 8), ("1", 10)], "item_id string, time_ms bigint")
    known = {row.time_ms: (row.style, row.brand) for row in with_product(asked, table).collect()}
    assert known == {8: ("s", "b"), 10: ("t", "b")}
