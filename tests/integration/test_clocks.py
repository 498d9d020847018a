"""Wrong clocks of clients: what one of them says changes nothing for anybody else."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import orjson
import pytest
import redis
from confluent_kafka import Producer
from kafka import KafkaAdminClient
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from common.config import Config
from common.events import TOPICS
from common.kafka_client import kafka_python_settings, producer_settings
from common.keys import Keys
from common.validate import rfc3339
from local import doctor
from local.topics import check_topics, create_topics
from streaming import facts
from tests.platform import item_facts_in_redis, wait_for

MINUTE, FAST = 60_000, 290_000  # a clock that is 4 min 50 s ahead, of 5 minutes allowed
Queries = list[StreamingQuery]


@pytest.fixture
def queries() -> Iterator[Queries]:
    started: Queries = []
    yield started
    for query in started:
        query.stop()


def now_ms() -> int:
    return int(datetime.now(timezone.utc).timestamp() * 1000)


def view(number: str, time_ms: int) -> bytes:
    fields = {"event_id": number, "event_type": "view", "event_time": rfc3339(time_ms), "user_id": "u"}
    return orjson.dumps({**fields, "item_id": "i", "category": "c"})


def send(config: Config, messages: list[tuple[int, bytes]]) -> None:
    """Each message with the producer's time, which counts only where the topic carries it."""
    producer = Producer(producer_settings(config))
    for timestamp, body in messages:
        producer.produce(config.topic("behavior"), body, b"u", timestamp=timestamp)
    producer.flush(30)


def with_producers_time(config: Config) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    admin = KafkaAdminClient(**kafka_python_settings(config))
    changed = {"message.timestamp.type": "CreateTime"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, config.topic("behavior"), configs=changed)])
    admin.close()
    wait_for("the topic's new time", lambda: any(topic.warning for topic in check_topics(config)))


def counted(query: StreamingQuery, connection: redis.Redis, config: Config) -> tuple[int, int]:
    """(views in Redis, rows that Spark dropped as late)."""
    views = sum(row[0] for row in item_facts_in_redis(connection, config.redis.prefix).values())
    late = sum(s.numRowsDroppedByWatermark for p in query.recentProgress for s in p.stateOperators)
    return views, late


@pytest.mark.parametrize("producers_time", [False, True], ids=["LogAppendTime", "CreateTime"])
def test_an_event_from_a_fast_clock_makes_no_honest_one_late(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, queries: Queries, producers_time: bool
) -> None:
    if producers_time:
        with_producers_time(config)
    query = facts.start(spark, config)
    queries.append(query)
    start = now_ms()
    send(config, [(start + FAST, view("fast", start + FAST))])
    query.processAllAvailable()
    honest = [(start, view(f"honest-{second}", start - second * 1000)) for second in range(60)]
    for first in range(0, 60, 20):
        send(config, honest[first : first + 20])
        query.processAllAvailable()
    assert counted(query, redis_conn, config) == (61, 0)
    as_of = int(redis_conn.get(Keys(config.redis.prefix).as_of))
    assert start // MINUTE <= as_of <= now_ms() // MINUTE


def test_events_of_2099_and_2001_change_nothing_for_others_in_the_stream(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, queries: Queries
) -> None:
    query = facts.start(spark, config)
    queries.append(query)
    start = now_ms()
    odd = [int(datetime(year, 1, 1, tzinfo=timezone.utc).timestamp() * 1000) for year in (2001, 2099)]
    send(config, [(start, view(f"odd-{time}", time)) for time in odd])
    query.processAllAvailable()
    for number in range(3):
        send(config, [(start, view(f"honest-{number}", start)), (start, view(f"odd-{number}", odd[number % 2]))])
        query.processAllAvailable()
    minutes = {minute: row[0] for (_, _, minute), row in item_facts_in_redis(redis_conn, config.redis.prefix).items()}
    assert minutes.pop(start // MINUTE) == 3
    assert set(minutes) <= {odd[0] // MINUTE}  # what was there before anything else is not late
    assert int(redis_conn.get(Keys(config.redis.prefix).as_of)) == start // MINUTE
    assert redis_conn.zscore(Keys(config.redis.prefix).ranking("views-1h", "*"), "c\x1fi") == 3


def test_a_copy_of_an_event_from_a_fast_clock_counts_once_however_late_it_comes(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, queries: Queries
) -> None:
    """Its first copy and its last are received, and so timed, minutes apart. The producer's time stands for the time of
    receipt, which a test cannot move."""
    with_producers_time(config)
    query = facts.start(spark, config)
    queries.append(query)
    start = now_ms() - 3_600_000
    copy = view("copied", start + FAST)
    send(config, [(start, copy)])
    query.processAllAvailable()
    for at in (100_000, 200_000, 280_000):
        send(config, [(start + at, view(f"honest-{at}", start + at))])
        query.processAllAvailable()
    send(config, [(start + 285_000, copy)])
    query.processAllAvailable()
    send(config, [(start + 900_000, view("last", start + 900_000))])
    query.processAllAvailable()
    send(config, [(start + 900_000, copy)])
    query.processAllAvailable()
    assert counted(query, redis_conn, config)[0] == 5


def test_what_is_timed_by_its_receipt_keeps_its_own_time_when_that_is_earlier(
    config: Config, spark: SparkSession, redis_conn: redis.Redis, queries: Queries
) -> None:
    start = now_ms() - 90_000
    send(config, [(now_ms(), view("slow", start))])
    query = facts.start(spark, config)
    queries.append(query)
    query.processAllAvailable()
    assert {minute for _, _, minute in item_facts_in_redis(redis_conn, config.redis.prefix)} == {start // MINUTE}
    assert timedelta(milliseconds=now_ms() - start) > timedelta(seconds=60)


def test_topics_and_doctor_name_a_topic_that_carries_the_producers_time(config: Config) -> None:
    assert [topic.warning for topic in create_topics(config)] == [""] * len(TOPICS)
    assert [finding.ok for finding in doctor.topics(config)] == [True]
    with_producers_time(config)
    (warning,) = [topic.warning for topic in create_topics(config) if topic.warning]
    assert f"topic {config.topic('behavior')} carries the producer's time (CreateTime)" in warning
    (finding,) = doctor.topics(config)
    assert (finding.ok, config.topic("behavior") in finding.what) == (False, True)
    assert f"--entity-name {config.topic('behavior')}" in finding.mend
