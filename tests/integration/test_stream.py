"""The streaming queries on a real Kafka and Redis: what is late, sent twice or unreadable counts by rule."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis
from kafka import KafkaProducer
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from common.config import Config
from common.kafka_client import kafka_python_settings
from common.keys import Keys
from common.schemas import ITEM_MEASURES
from common.sources.lake import CATALOG, ERASURES, EVENTS, EXPOSURE_CANDIDATES, QUARANTINE, read_table
from common.views.actions import read_user_facts
from streaming import catalog, facts, lake
from tests.platform import item_facts_in_redis, kill, running, wait_for, write_config

NOW = datetime.now(timezone.utc).replace(second=30, microsecond=0)
Stop = list[StreamingQuery]


def event(number: int, minutes_ago: float = 0, **fields: Any) -> dict[str, Any]:
    moment = NOW - timedelta(minutes=minutes_ago)
    time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    base = {"event_id": f"e{number}", "event_type": "view", "event_time": time, "user_id": "u", "item_id": "i"}
    return {**base, "category": "c", **fields}


def send(config: Config, messages: list[Any], topic: str = "behavior") -> None:
    producer = KafkaProducer(**kafka_python_settings(config))
    for message in messages:
        body = message if isinstance(message, bytes) else orjson.dumps(message)
        producer.send(config.topic(topic), body, key=b"u")
    producer.flush()
    producer.close()


@pytest.fixture
def config(config: Config) -> Config:
    """The lake commits at once: nobody waits for the next half minute."""
    return dataclasses.replace(config, streaming=dataclasses.replace(config.streaming, lake_trigger="0 seconds"))


@pytest.fixture
def queries() -> Iterator[Stop]:
    started: Stop = []
    yield started
    for query in started:
        query.stop()


def measures(connection: redis.Redis, config: Config, name: str) -> dict[str, int]:
    column = ITEM_MEASURES.index(name)
    sums: dict[str, int] = {}
    for (_, item, _), row in item_facts_in_redis(connection, config.redis.prefix).items():
        sums[item] = sums.get(item, 0) + row[column]
    return sums


def test_late_duplicate_and_malformed_rows_count_by_rule(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, queries: Stop
) -> None:
    lateness = dataclasses.replace(config.streaming, watermark="10 minutes")
    config = dataclasses.replace(config, streaming=lateness)
    send(config, [event(1), event(1), event(2, 5), b"{broken", event(3, price=-1), event(4, -60)])
    query = facts.start(spark, config)
    queries.append(query)
    query.processAllAvailable()
    send(config, [event(1)])  # Spark judges lateness by the watermark of the micro-batch before
    query.processAllAvailable()
    send(config, [event(5, 9), event(6, 60), event(2, 5), event(7, item_id="옷👗")])
    query.processAllAvailable()
    assert measures(redis_conn, config, "views") == {"i": 3, "옷👗": 1}  # e1, e2, e5 and e7; e6 is too late
    late = sum(s.numRowsDroppedByWatermark for p in query.recentProgress for s in p.stateOperators)
    assert late == 1
    profile = redis_conn.hgetall(Keys(config.redis.prefix).user_facts("u"))
    views = {fact.item_id: 0 for fact in read_user_facts(profile)}
    for fact in read_user_facts(profile):
        views[fact.item_id] += fact.counts["view"]
    assert views == {"i": 3, "옷👗": 1}


def test_a_million_character_string_or_many_categories_never_stop_the_query(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, queries: Stop
) -> None:
    query = facts.start(spark, config)
    queries.append(query)
    huge = event(1, item_id="x" * 900_000)
    many = [event(n, category=f"category {n}") for n in range(2, 3002)]
    send(config, [huge, event(5000, user_id="a\x00b"), *many, event(6000, category="마지막 👗")])
    query.processAllAvailable()
    assert query.isActive
    assert measures(redis_conn, config, "views") == {"i": 3001}


def test_the_lake_takes_what_is_valid_once_and_quarantines_the_rest_with_its_bytes(
    config: Config, spark: SparkSession, queries: Stop
) -> None:
    payment = {"amount": 12.5, "card_token": "tok", "method": "card"}
    send(config, [event(1, colour="red", properties={"size": "M"}), b"{broken \xff", event(2, price="dear")])
    send(config, [event(3, event_type="payment", order_id="o", payment=payment)], "payments")
    refused = {"encoding": "text", "raw": "{x", "field": "", "reason": "bad", "source": "collector"}
    send(config, [refused], "quarantine")
    query = lake.start(spark, config)
    queries.append(query)
    query.processAllAvailable()
    rows = {row.event_id: row for row in read_table(spark, config, EVENTS).collect()}
    assert set(rows) == {"e1", "e3"}
    assert orjson.loads(rows["e1"].properties) == {"size": "M", "colour": "red"}
    assert rows["e3"].payment.amount == 12.5
    bad = {(bytes(row.raw), row.field, row.source) for row in read_table(spark, config, QUARANTINE).collect()}
    assert bad == {
        (b"{broken \xff", "", "lake"),
        (orjson.dumps(event(2, price="dear")), "price", "lake"),
        (b"{x", "", "collector"),
    }


def test_what_our_services_note_reaches_tables_of_its_own(spark: SparkSession, config: Config, queries: Stop) -> None:
    shown = {"item_id": "i-1", "position": 0, "score": 1.5, "explored": False}
    answer = {"request_id": "r", "time": "2026-03-01T00:00:00.000Z", "surface": "now", "versions": {"als": None}}
    send(config, [answer | {"user_id": "u", "items": [shown]}, b"nonsense"], "exposure_candidates")
    send(config, [{"user": "u", "sessions": ["s"], "requested_ms": 5}, {"user": None}], "erasures")
    query = lake.start(spark, config)
    queries.append(query)
    query.processAllAvailable()
    (row,) = read_table(spark, config, EXPOSURE_CANDIDATES).collect()
    assert (row.request_id, row.surface, row.user_id, str(row.date)) == ("r", "now", "u", "2026-03-01")
    assert [one.asDict() for one in row["items"]] == [shown]
    (asked,) = read_table(spark, config, ERASURES).collect()
    assert (asked.user, asked.sessions, asked.requested_ms, asked.done_at) == ("u", ["s"], 5, None)


def test_the_lake_holds_every_event_once_after_kill_9(
    config: Config, spark: SparkSession, tmp_path: Path, queries: Stop
) -> None:
    small = dataclasses.replace(config.streaming, max_offsets_per_trigger=400)
    config = dataclasses.replace(config, streaming=small)
    conf, log = write_config(config, tmp_path), tmp_path / "lake.log"
    send(config, [event(n) for n in range(2400)])
    folder = Path(config.lake_path) / EVENTS / "_delta_log"

    def commits() -> int:
        return len(list(folder.glob("*.json")))

    with running(["stream", "lake"], conf, log) as process:
        wait_for("two commits", lambda: commits() >= 2, 300)
        kill(process)
    assert commits() < 6, "the kill came too late to prove anything"
    query = lake.start(spark, config)
    queries.append(query)
    query.processAllAvailable()
    table = read_table(spark, config, EVENTS)
    assert table.count() == 2400
    assert table.select("event_id").distinct().count() == 2400


def change(item: str, lsn: int, op: str = "u", **product: Any) -> dict[str, Any]:
    row = {"item_id": item, "title": "옷", "category": "dresses", "price": 10.0, "stock": 3, **product}
    sides = {"before": row, "after": None} if op == "d" else {"before": None, "after": row}
    return {"op": op, **sides, "source": {"ts_ms": lsn, "lsn": lsn}}


def test_products_are_what_the_source_said_last_whatever_the_order(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, queries: Stop
) -> None:
    query = catalog.start(spark, config)
    queries.append(query)
    send(config, [change("a", 5, price=50.0), change("a", 3, price=30.0), change("b", 1, "c"), b"nope"], "catalog")
    query.processAllAvailable()
    send(config, [change("a", 4, price=40.0), change("b", 2, "d"), change("b", 1)], "catalog")
    query.processAllAvailable()
    keys = Keys(config.redis.prefix)
    assert redis_conn.hget(keys.product("a"), "price") == b"50.0"
    assert redis_conn.hget(keys.product("b"), "status") == b"withdrawn"
    assert redis_conn.hget(keys.product("b"), "title") is None
    log = lake.start(spark, config)
    queries.append(log)
    log.processAllAvailable()
    assert read_table(spark, config, CATALOG).count() == 6
    assert [row.reason for row in read_table(spark, config, QUARANTINE).collect()]
