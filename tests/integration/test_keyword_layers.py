"""Searches through a real Kafka and Spark: the stream's counts, the batch layer's and sets made here are the same."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
import redis
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from batch import keywords
from batch.tables import append
from common.config import Config
from common.facts.once import once_in_batch
from common.facts.query import query_facts, searchers
from common.kafka_client import spark_kafka_options
from common.keys import Keys
from common.sources.lake import EVENTS
from common.sources.parse import parse, valid
from streaming import facts
from tests.integration.search_rows import zset
from tests.integration.test_stream import NOW, event, send
from tests.lake_events import START, lake_events
from tests.lake_events import event as lake_event

Counts = dict[tuple[int, str], int]
MINUTE = int(NOW.timestamp() // 60)


@pytest.fixture
def queries() -> Iterator[list[StreamingQuery]]:
    started: list[StreamingQuery] = []
    yield started
    for query in started:
        query.stop()


def searches() -> list[dict[str, Any]]:
    """Two minutes of searches; some spelled otherwise, one by a session, some that are no keyword."""
    typed = [("Linen Shirt", n) for n in range(6)] + [("linen  shirt", n) for n in range(4, 8)]
    typed += [("여름 원피스", 1), ("여름원피스", 1), ("여름원피스", 2), ("\x00 \x1f", 3), ("x" * 200, 3), ("<b>", 4)]
    rows = [
        event(n, minute, event_type="search", user_id=f"u{who}", query=text, item_id=None)
        for n, (text, who, minute) in enumerate((text, who, minute) for minute in (0, 1) for text, who in typed)
    ]
    anonymous = event(900, 0, event_type="search", user_id=None, session_id="s", query="linenshirt", item_id=None)
    clicks = [event(n, 0, event_type="click", user_id=f"u{n}", query="Linen Shirt") for n in (902, 903)]
    return [*rows, anonymous, event(901, 0, query="viewed, not searched"), *clicks]


WANTED = {
    **{(MINUTE - back, key): n for back in (0, 1) for key, n in (("linenshirt", 8), ("여름원피스", 2), ("<b>", 1))},
    (MINUTE, "linenshirt"): 9,
}


def in_redis(connection: redis.Redis, config: Config) -> Counts:
    keys = Keys(config.redis.prefix)
    return {
        (minute, keyword): int(n)
        for minute in range(MINUTE - 20, MINUTE + 2)
        for keyword, n in zset(connection, f"{keys.kw}n:{minute}").items()
    }


def test_stream_equals_batch_equals_sets_and_the_api_shows_it(
    config: Config,
    spark: SparkSession,
    redis_conn: redis.Redis,
    queries: list[StreamingQuery],
    api: httpx.Client,
) -> None:
    rows = searches()
    late = event(950, 30, event_type="search", query="too late", item_id=None)
    send(config, [*rows, rows[0], rows[5], b"{broken", event(951, event_type="search", query="y" * 201)])
    query = facts.start(spark, config)
    queries.append(query)
    query.processAllAvailable()
    send(config, [*reversed(rows), late])  # all of it again
    query.processAllAvailable()
    assert in_redis(redis_conn, config) == WANTED
    source = spark.read.format("kafka").options(**spark_kafka_options(config))
    records = source.option("subscribe", config.topic("behavior")).load()
    of_queries = query_facts(once_in_batch(valid(parse(records))))
    after = of_queries.where("clicks > 0").select("query", "user", "searches", "clicks").collect()
    assert sorted(map(tuple, after)) == [("Linen Shirt", "u902", 0, 1), ("Linen Shirt", "u903", 0, 1)]
    counted = searchers(of_queries, config.keywords.max_length)
    minute = (F.unix_seconds("window_start") / 60).cast("long")
    found = {(r[0], r[1]): r[2] for r in counted.select(minute, "keyword", "searchers").collect()}
    assert found == {**WANTED, (MINUTE - 30, "toolate"): 1}  # the batch layer counts what was too late
    cold = api.get("/v1/keywords/trending").json()
    assert cold["keywords"] == []  # ten searchers say little in a shop that has no history
    assert cold["as_of"]


def searched(number: int, minute: float, user: str, text: str) -> dict[str, Any]:
    return lake_event(number, "search", minute, user, None, query=text)


def lake_rows(days: int) -> list[dict[str, Any]]:
    """Each day from 10:00 to 12:00: a search a minute for 'coat', at 11 four more; the last two hours for 'wool'."""
    rows, at = [], days * 1440
    for day in range(days):
        for minute in range(600, 720):
            people = 5 if minute >= 660 else 1
            rows += [(day * 1440 + minute, f"u{n}", "Coat") for n in range(people)]
    rows += [(at - 1440 + minute, "w", "wool") for minute in range(600, 720)]
    return [searched(n, *row) for n, row in enumerate([*rows, *rows[:50]])]


def test_the_job_publishes_the_formulas_and_running_again_changes_nothing(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    append(lake_events(spark, lake_rows(3)), config, EVENTS, "date")
    outcome = keywords.run(spark, config)
    assert outcome.status == "done", outcome.message
    keys = Keys(config.redis.prefix)
    horizon = int(redis_conn.hget(keys.keyword_meta, "horizon"))
    newest = START + timedelta(days=2, minutes=719)
    assert horizon == int(newest.timestamp() // 60 - 12) // 10 * 10
    began = int(START.timestamp() // 60)
    minutes = [began + day * 1440 + m for day in range(3) for m in range(600, 720)]
    minutes = [m for m in minutes if m < horizon]
    people = {m: 5 if (m - began) % 1440 >= 660 else 1 for m in minutes}
    wool = [m for m in minutes if m >= began + 2 * 1440]
    total = sum(people.values()) + len(wool)
    mean = total / len(minutes)
    hours = [float(redis_conn.hget(keys.keyword_hours, hour)) for hour in range(24)]
    ten = [m for m in minutes if (m - began) % 1440 < 660]
    at_ten = sum(people[m] + (m in set(wool)) for m in ten)
    assert hours[10] == pytest.approx((at_ten + 120 * mean) / ((len(ten) + 120) * mean))
    assert hours[11] > 1 > hours[10]
    assert hours[:10] + hours[12:] == pytest.approx([1.0] * 22)
    fade = {m: 2 ** ((m - horizon) / 120) for m in minutes if m >= horizon - 2400}
    wanted = {"coat": sum(people[m] * w for m, w in fade.items()), "wool": sum(fade[m] for m in wool)}
    mass = sum(w * hours[m // 60 % 24] for m, w in fade.items())
    for _ in range(2):
        assert zset(redis_conn, keys.keyword_base) == pytest.approx(wanted, rel=1e-9)
        assert float(redis_conn.hget(keys.keyword_meta, "mass")) == pytest.approx(mass, rel=1e-9)
        assert keywords.run(spark, config).status == "done"


def test_without_searches_or_lake_the_job_says_so_or_publishes_nothing_wrong(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    assert keywords.run(spark, config).status == "no-data"
    append(lake_events(spark, [lake_event(1, "view", 5, "ann", "coat")]), config, EVENTS, "date")
    meta, began = Keys(config.redis.prefix).keyword_meta, int(START.timestamp() // 60)
    redis_conn.hset(meta, mapping={"as_of": began - 30, "landmark": began - 30, "mass": "0"})  # the newest search
    assert keywords.run(spark, config).status == "done"
    assert int(redis_conn.hget(meta, "as_of") or 0) == began - 1  # T is at began - 10, before its window
    assert zset(redis_conn, Keys(config.redis.prefix).keyword_base) == {}
    assert keywords.shrunk({}) == [1.0] * 24


def test_a_batch_far_behind_the_stream_is_refused_and_changes_nothing(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    now = int(datetime.now(timezone.utc).timestamp() // 60)
    redis_conn.hset(keys.keyword_meta, mapping={"as_of": now, "landmark": now, "mass": "1"})
    append(lake_events(spark, [searched(1, 5, "ann", "coat")]), config, EVENTS, "date")
    outcome = keywords.run(spark, config)
    assert (outcome.status, redis_conn.hget(keys.keyword_meta, "horizon")) == ("no-data", None)
    assert dataclasses.asdict(outcome)["message"].startswith("keywords not published")
