"""A user is forgotten: at once in Redis, by the job in Delta, and nothing brings them back."""

import hashlib
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import orjson
import pytest
import redis
from pyspark.sql import SparkSession

from batch import forget
from batch.publish import put_candidates, unlink_candidates
from batch.tables import append
from common.config import Config
from common.events import ERASURES as TOPIC
from common.events import MAX_AHEAD_MS
from common.facts.once import once_in_batch
from common.facts.user import user_facts
from common.keys import Keys
from common.models.canary import Canary
from common.sinks.forget import forget_in_redis
from common.sinks.redis_facts import RESTORE, STREAM
from common.sources import lake_audit
from common.sources.lake import ERASURES, EVENTS, USER_FACTS, read_table
from common.sources.lake_audit import lake_partitions
from common.sources.notes import erasures
from common.validate import rfc3339
from tests.event_factory import event as sent
from tests.integration.item_rows import write_rows
from tests.integration.topic_reader import records
from tests.lake_events import event, lake_events


def now_minute() -> int:
    return int(time.time()) // 60


def keys_of(connection: redis.Redis, config: Config, who: str) -> set[str]:
    start = f"{config.redis.prefix}:"
    return {key.decode().removeprefix(start) for key in connection.scan_iter(f"{start}*{{{who}}}*")}


def fact(user: str, minute: int) -> tuple[Any, ...]:
    return ("user", minute, "bags", "i-1", user, False, f"1,0,0,0,0,0,0,0,0|{minute * 60_000}|9.0")


def test_a_call_removes_a_user_with_the_sessions_before_the_login(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    api.post("/v1/events", json=sent("view", user_id=None, session_id="s-1", category="bags"))
    for user in ("u-1", "u-2"):
        api.post("/v1/events", json=sent("view", user_id=user, session_id="s-1" if user == "u-1" else None))
        redis_conn.sadd(keys.bought(user), "i-9")
        redis_conn.set(keys.long_term(user), orjson.dumps({"categories": {"bags": 1}}))
        with redis_conn.pipeline(transaction=False) as pipeline:
            for version in ("v1", "v2", "v3"):  # live, canary, and one that is only kept
                put_candidates(keys, version)(pipeline, {"user": user, "items": [{"item": "i-9", "score": 1.0}]})
            pipeline.execute()
    redis_conn.set(keys.live_model, "v1")
    redis_conn.set(keys.canary, Canary("v2", 0.1).dump())
    assert keys_of(redis_conn, config, "u-1") >= {f"als:v{n}:u:{{u-1}}" for n in (1, 2, 3)}
    write_rows(config, [fact("u-1", now_minute()), fact("s-1", now_minute())])
    assert set(redis_conn.zrange(keys.fresh("i-1"), 0, -1)) == {b"u-1", b"s-1"}
    answer = api.delete("/v1/users/u-1")
    assert (answer.status_code, answer.json()["sessions"]) == (202, 1)
    assert redis_conn.exists(keys.fresh("i-1")) == 0
    assert keys_of(redis_conn, config, "u-1") == {"u:{u-1}:forgotten"}
    assert keys_of(redis_conn, config, "s-1") == {"u:{s-1}:forgotten"}
    assert len(keys_of(redis_conn, config, "u-2")) == 7
    assert api.get("/v1/users/u-1/profile").json()["recent"] == []
    ((key, noted),) = records(config, TOPIC)
    assert (key, noted["user"], noted["sessions"]) == ("u-1", "u-1", ["s-1"])


def test_versions_with_lists_are_noted_and_their_lists_removed(config: Config, redis_conn: redis.Redis) -> None:
    keys = Keys(config.redis.prefix)
    for version in ("v1", "v2"):
        put_candidates(keys, version)(redis_conn, {"user": "u-1", "items": []})
    assert redis_conn.ttl(keys.listed_models) > 0
    assert redis_conn.smembers(keys.listed_models) == {b"v1", b"v2"}
    unlink_candidates(keys, "v1")(redis_conn, {"user": "u-1"})
    assert [redis_conn.exists(keys.candidates(version, "u-1")) for version in ("v1", "v2")] == [0, 1]


def test_the_streams_state_and_the_batch_layer_do_not_bring_a_forgotten_user_back(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    api.delete("/v1/users/u-1")
    late, later = fact("u-1", now_minute() - 1), fact("u-1", now_minute() + 7)
    write_rows(config, [late], STREAM)
    write_rows(config, [late], RESTORE)
    assert not redis_conn.exists(keys.user_facts("u-1"))
    write_rows(config, [late, fact("u-2", now_minute())], STREAM)
    assert redis_conn.zrange(keys.fresh("i-1"), 0, -1) == [b"u-2"]
    redis_conn.set(keys.long_term("u-1"), orjson.dumps({"categories": {"bags": 1}}))
    redis_conn.sadd(keys.bought("u-1"), "i-1")
    assert api.get("/v1/users/u-1/profile").json()["categories"] == []
    write_rows(config, [late, later], STREAM)
    assert len(redis_conn.hgetall(keys.user_facts("u-1"))) == 1
    assert redis_conn.zscore(keys.fresh("i-1"), "u-1") == later[1] * 60_000
    assert api.get("/v1/users/u-1/profile").json()["last"]["viewed"] == ["i-1"]


def test_an_event_ahead_of_its_arrival_does_not_survive_and_what_comes_after_the_request_does(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    keys, now_ms = Keys(config.redis.prefix), time.time_ns() // 1_000_000
    ahead = rfc3339(now_ms + MAX_AHEAD_MS - 20_000)
    assert api.post("/v1/events", json=sent("view", item_id="i-ahead", event_time=ahead)).status_code == 202
    write_rows(config, [fact("u-1", now_minute() + 4)])
    api.delete("/v1/users/u-1")
    write_rows(config, [fact("u-1", now_minute() + 4)])
    assert not redis_conn.exists(keys.user_facts("u-1"), keys.recent("u-1"))
    asked, later = int(redis_conn.get(keys.forgotten("u-1")) or 0) - MAX_AHEAD_MS, now_ms + 2 * MAX_AHEAD_MS
    redis_conn.zadd(keys.shown("u-1"), {"i-old": now_ms, "i-later": later})
    redis_conn.zadd(keys.sessions("u-1"), {"s-old": now_ms - 1, "s-later": asked + 1})
    for _ in range(2):
        forget_in_redis(redis_conn, keys, "u-1", asked, (), 60)
        assert redis_conn.zrange(keys.shown("u-1"), 0, -1) == [b"i-later"]
        assert redis_conn.zrange(keys.sessions("u-1"), 0, -1) == [b"s-later"]


def test_the_job_deletes_from_delta_up_to_the_moment_asked_and_is_done_an_hour_later(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    asked = datetime.now(timezone.utc) - timedelta(hours=2)
    back, early = asked + timedelta(minutes=7), asked - timedelta(seconds=1)
    ahead, late = asked + timedelta(minutes=4), asked + timedelta(minutes=9)
    rows = [
        event(1, "view", 0, "gone", "i-1", session_id="s-1"),
        event(2, "view", 1, None, "i-2", session_id="s-1"),
        event(3, "view", 2, None, "i-3", session_id="s-named"),
        event(4, "purchase", 3, "stays", "i-1", ingest_time=asked + timedelta(minutes=61)),
        event(5, "view", 4, "gone", "i-4", session_id="s-9", event_time=back, ingest_time=back, date=back.date()),
        event(6, "view", 5, "gone", "i-5", event_time=ahead, ingest_time=early, date=ahead.date()),
        event(7, "view", 6, "gone", "i-6", event_time=early, ingest_time=late, date=early.date()),
        event(8, "view", 7, "gone", "i-7", session_id="stays"),
        event(9, "view", 8, None, "i-8", session_id="stays"),
    ]
    events = lake_events(spark, rows)
    append(events, config, EVENTS, "date")
    facts = user_facts(once_in_batch(events))
    append(facts.selectExpr("*", "to_date(window_start) as date"), config, USER_FACTS, "date")
    note(spark, config, "gone", ["s-named", "stays"], asked)
    note(spark, config, "just now", [], datetime.now(timezone.utc))
    keys = Keys(config.redis.prefix)
    left_behind(redis_conn, keys, {"i-5": ahead, "i-4": back})
    for _ in range(2):
        assert forget.run(spark, config).status == "done"
        left = {row["event_id"] for row in read_table(spark, config, EVENTS).collect()}
        assert left == {"e4", "e5", "e9"}
        users = {(row["user"], row["item_id"]) for row in read_table(spark, config, USER_FACTS).collect()}
        assert users == {("stays", "i-1"), ("stays", "i-8"), ("gone", "i-4")}
    assert not redis_conn.exists(keys.long_term("gone"), keys.long_term("s-1"), keys.candidates("unrecorded", "gone"))
    assert [redis_conn.zrange(keys.fresh(i), 0, -1) for i in ("i-5", "i-4")] == [[b"stays"], [b"stays", b"gone"]]
    assert redis_conn.exists(keys.long_term("stays"))
    noted = {row["user"]: row["done_at"] for row in read_table(spark, config, ERASURES).collect()}
    assert noted.pop("just now") is None
    ((user, done_at),) = noted.items()
    assert (user, done_at is not None) == (hashlib.sha256(b"gone").hexdigest(), True)
    assert 0 < redis_conn.ttl(keys.forgotten("gone")) <= 3600
    assert redis_conn.ttl(keys.forgotten("just now")) > 3600


def test_no_audit_misses_what_was_forgotten(spark: SparkSession, config: Config, redis_conn: redis.Redis) -> None:
    asked = datetime.now(timezone.utc) - timedelta(hours=2)
    rows = [event(n, "view", n, "gone" if n < 6 else "stays", "i", topic="t") for n in range(9)]
    append(lake_events(spark, rows), config, EVENTS, "date")
    note(spark, config, "gone", [], asked)
    for _ in range(2):
        forget.run(spark, config)
        (part,) = lake_partitions(config, {"t/0": (0, 10)})
        assert (part.events, part.erased, part.absent, part.doubled, part.behind) == (3, 6, 0, 0, 1)


def test_an_event_of_another_topic_of_the_same_name_stays_though_it_had_the_same_offset(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    asked = datetime.now(timezone.utc) - timedelta(hours=2)
    rows = [event(1, "view", 0, "gone", "i", topic="t"), event(2, "view", 0, "stays", "i", topic="t", offset=1)]
    append(lake_events(spark, rows), config, EVENTS, "date")
    note(spark, config, "gone", [], asked)
    forget.run(spark, config)
    assert [row["event_id"] for row in read_table(spark, config, EVENTS).collect()] == ["e2"]


@pytest.mark.parametrize(
    ("written", "absent", "behind"), [({}, 1, 1), ({"t/0": 10}, 2, 0), ({"t/0": 4}, 0, 6), ({"t/0": 6}, 1, 4)]
)
def test_an_audit_misses_nothing_beyond_where_all_tables_are_written(
    spark: SparkSession,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    written: dict[str, int],
    absent: int,
    behind: int,
) -> None:
    monkeypatch.setattr(lake_audit, "BLOCK", 3)
    rows = [event(n, "view", n, "u", "i", topic="t") for n in range(9) if n != 4]  # 4 is refused: its table is later
    append(lake_events(spark, rows), config, EVENTS, "date")
    (part,) = lake_partitions(config, {"t/0": (0, 10)}, written)
    assert (part.absent, part.behind) == (absent, behind)


def test_a_request_is_done_only_when_the_lake_is_past_it_and_covers_late_events_of_its_sessions(
    spark: SparkSession, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = datetime.now(timezone.utc) - timedelta(hours=2)
    first = [event(1, "view", 0, "gone", "i-1", session_id="s-1"), event(2, "view", 1, "stays", "i-1")]
    append(lake_events(spark, first), config, EVENTS, "date")
    note(spark, config, "gone", [], asked)
    forget.run(spark, config)
    (noted,) = read_table(spark, config, ERASURES).collect()
    assert (noted["done_at"], noted["sessions"]) == (None, ["s-1"])  # the lake lags by months
    late = [event(3, "view", 2, None, "i-2", session_id="s-1")]
    newer = [event(4, "view", 3, "stays", "i-1", ingest_time=asked + timedelta(minutes=61))]
    append(lake_events(spark, late + newer), config, EVENTS, "date")
    versions = forget._versions

    def meanwhile(*given: Any) -> list[str]:
        note(spark, config, "later", [], asked)
        return versions(*given)

    monkeypatch.setattr(forget, "_versions", meanwhile)
    forget.run(spark, config)
    assert {row["event_id"] for row in read_table(spark, config, EVENTS).collect()} == {"e2", "e4"}
    done = {row["user"]: row["done_at"] is not None for row in read_table(spark, config, ERASURES).collect()}
    assert done == {hashlib.sha256(b"gone").hexdigest(): True, "later": False}


def left_behind(connection: redis.Redis, keys: Keys, acted: dict[str, datetime]) -> None:
    """What Redis may still hold: profiles, items of which there is no user fact any more, a version nobody recorded."""
    for user in ("gone", "s-1", "stays"):
        connection.set(keys.long_term(user), b"{}")
    for item, at in acted.items():
        connection.zadd(keys.fresh(item), {"gone": at.timestamp() * 1000, "stays": 1})
    connection.sadd(keys.listed_models, "unrecorded")
    connection.set(keys.candidates("unrecorded", "gone"), b"[]")


def note(spark: SparkSession, config: Config, user: str, sessions: list[str], asked: datetime) -> None:
    """A request as the lake writes it."""
    value = orjson.dumps({"user": user, "sessions": sessions, "requested_ms": round(asked.timestamp() * 1000)})
    topic = spark.createDataFrame([(value, asked)], "value binary, timestamp timestamp")
    append(erasures(topic), config, ERASURES, "date")
