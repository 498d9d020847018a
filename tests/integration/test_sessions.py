"""The session index from Delta to a serving process, and sessions newer than it through the real user sink."""

import asyncio
import dataclasses
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
import redis
from pyspark.sql import SparkSession

from batch import registry, sessions
from batch.pointer import promote, restore, rollback
from batch.session_versions import POINTER
from batch.tables import append
from common.artifacts import artifacts
from common.config import Config
from common.errors import StylestreamError
from common.facts.aggregate import aggregate
from common.keys import Keys
from common.sinks.redis_facts import write_facts
from common.sources.lake import EVENTS
from serving.now import Now
from serving.services import connect
from tests.lake_events import START, event, lake_events

T = TypeVar("T")


def past(seed: int, groups: int = 4, users: int = 40) -> list[dict[str, object]]:
    """Sessions of three items of one group each."""
    chance = random.Random(seed)
    rows: list[dict[str, object]] = []
    for user in range(groups * users):
        for step, item in enumerate(chance.sample(range(6), 3)):
            rows.append(event(len(rows), "view", user + step / 10, f"u{user}", f"g{user % groups}-{item}"))
    return rows


def asked(config: Config, question: Callable[[Now], Awaitable[T]]) -> T:
    """What a serving process answers after it has looked for a version."""

    async def answer() -> T:
        client = connect(config)
        try:
            now = Now(config, client)
            await now.refresh()
            return await question(now)
        finally:
            await client.aclose()

    return asyncio.run(answer())


def keeping(config: Config, versions: int) -> Config:
    return dataclasses.replace(config, sessions=dataclasses.replace(config.sessions, keep_versions=versions))


def test_the_job_publishes_a_version_that_serving_maps_and_keeps_the_newest_and_the_live_one(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    assert asked(config, lambda now: now.candidates(["g1-0"], 3)) is None
    assert sessions.run(spark, config).status == "no-data"
    append(lake_events(spark, past(1)), config, EVENTS, "date")
    config, store, key = keeping(config, 1), artifacts(config, "sessions"), Keys(config.redis.prefix).live_sessions
    made = [sessions.run(spark, each).message.split()[2] for each in (keeping(config, 2), keeping(config, 2))]
    assert redis_conn.get(key) == made[1].encode()
    assert rollback(spark, config, POINTER) == made[0]
    said = sessions.run(spark, config).message
    made.append(said.split()[2])
    assert (
        f"{made[2]} is kept, not served: rolled back to {made[0]}; promote it by hand: 160 sessions, 24 items" in said
    )
    assert (store.versions(), store.live()) == ([made[0], made[2]], made[0])
    redis_conn.delete(key)
    assert restore(spark, config, POINTER) == f"{made[0]}, 24 items"
    assert redis_conn.get(key) == made[0].encode()
    with pytest.raises(
        StylestreamError, match=f"the sessions version '{made[1]}' is retired; kept: {made[2]}, {made[0]}"
    ):
        promote(spark, config, POINTER, made[1])
    assert promote(spark, config, POINTER, made[2]) == "24 items"
    assert redis_conn.get(key) == made[2].encode()
    status = {run.version: run.status for run in registry.runs(spark, config, "sessions")}
    assert list(status.values()) == ["published", "retired", "published"]
    answer = asked(config, lambda now: now.candidates(["g1-0", "g1-2"], 4))
    assert answer is not None
    assert {item.split("-")[0] for item, _ in answer.items} == {"g1"}
    unknown = asked(config, lambda now: now.candidates(["never", "heard of"], 4))
    assert unknown is not None
    assert unknown.items == []


def test_an_index_that_cannot_be_judged_does_not_replace_one_that_was(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    append(lake_events(spark, past(1)), config, EVENTS, "date")
    first, store = sessions.run(spark, config).message.split()[2], artifacts(config, "sessions")
    live = store.open(first)
    store.write(first, [dict(live.arrays)], live.about | {"questions": 240})
    outcome = sessions.run(spark, config)
    assert (outcome.status, outcome.exit_code) == ("refused", 10)
    assert outcome.message.endswith("refused: fewer than 200 questions to judge it by, and the live one was judged")
    assert redis_conn.get(Keys(config.redis.prefix).live_sessions) == first.encode()
    assert store.versions() == [first]
    assert [run.status for run in registry.runs(spark, config, "sessions")] == ["refused", "published"]


def test_a_session_that_the_stream_wrote_counts_in_the_next_answer(spark: SparkSession, config: Config) -> None:
    append(lake_events(spark, past(2)), config, EVENTS, "date")
    sessions.run(spark, config)
    before = asked(config, lambda now: now.candidates(["g1-0"], 20))
    assert before is not None
    assert "new" not in dict(before.items)
    newer = [event(9000 + n, "view", 500 + n, "eve", item) for n, item in enumerate(["g1-0", "new"])]
    ended = [event(9100, "view", 600, "eve", "other")]  # after the gap: another session
    write_facts(aggregate(lake_events(spark, newer + ended)), config)
    assert asked(config, lambda now: now.fresh(["g1-0"])) == [["g1-0", "new"]]
    assert asked(config, lambda now: now.fresh(["g1-0"], ("adam", "eve"))) == []
    after = asked(config, lambda now: now.candidates(["g1-0"], 20))
    assert after is not None
    assert "new" in dict(after.items)


def test_the_newest_users_of_an_item_are_kept_and_writing_twice_changes_nothing(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    kept, key = config.sessions.fresh_users, Keys(config.redis.prefix).fresh("coat")
    rows = [event(n, "view", n, f"u{n}", "coat") for n in range(3 * kept)]
    rows.append(event(len(rows), "view", 0, "new", "scarf"))
    scarf, newest = Keys(config.redis.prefix).fresh("scarf"), int(START.timestamp() * 1000)
    redis_conn.zadd(scarf, {"old": newest - config.sessions.fresh_hours * 3_600_000 - 1, "yesterday": newest - 1000})
    facts = aggregate(lake_events(spark, rows))
    for _ in range(2):
        write_facts(facts, config)
        found = [user.decode() for user in redis_conn.zrevrange(key, 0, -1)]
        assert found[:kept] == [f"u{n}" for n in reversed(range(2 * kept, 3 * kept))]
        assert len(found) <= kept * 1.25
        assert 0 < redis_conn.ttl(key) <= config.sessions.fresh_hours * 3600
    assert redis_conn.zrange(scarf, 0, -1) == [b"yesterday", b"new"]


def test_a_version_that_vanished_leaves_what_is_served(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    append(lake_events(spark, past(3)), config, EVENTS, "date")
    sessions.run(spark, config)

    async def question(now: Now) -> object:
        served = now.version
        redis_conn.set(Keys(config.redis.prefix).live_sessions, "gone")
        with pytest.raises(Exception, match="no version 'gone'"):
            await now.refresh()
        assert now.version == served
        return await now.candidates(["g2-1"], 3)

    assert asked(config, question) is not None
