"""A search counts for trending keywords before its answer, by the step by which the stream counts it again."""

import time
from typing import Any

import httpx
import pytest
import redis
from kafka import KafkaAdminClient

from common.config import Config
from common.kafka_client import kafka_python_settings
from common.keys import Keys
from common.validate import rfc3339
from serving.searches import LATE_MS
from tests.event_factory import event
from tests.integration.search_rows import Fact, write, zset
from tests.platform import wait_for

LINEN = "Linen  Shirt"
PEOPLE = 12


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def search(who: str, time_ms: int, **more: Any) -> dict[str, Any]:
    return event("search", user_id=who, item_id=None, query=LINEN, event_time=rfc3339(time_ms), **more)


def post(api: httpx.Client, events: list[dict[str, Any]]) -> int:
    answer = api.post("/v1/events", json={"events": events})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["accepted"])


def state(client: redis.Redis, config: Config) -> dict[str, Any]:
    """All that stands of keywords, people as their number."""
    found: dict[str, Any] = {}
    for key in client.scan_iter(f"{Keys(config.redis.prefix).kw}*"):
        kind = client.type(key).decode()  # type: ignore[union-attr]
        read = {"zset": lambda k: zset(client, k), "hash": client.hgetall, "string": client.pfcount}[kind]
        found[key.decode()] = read(key)
    return found


def test_who_searches_is_counted_at_once_and_the_stream_changes_nothing(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    at = now_ms()
    people = [f"u-{n}" for n in range(PEOPLE)]
    usual: list[Fact] = [(at // 60_000 - back, f"c-{n}", "coat") for back in range(1, 60) for n in range(20)]
    write(config, usual)
    assert post(api, [search(who, at) for who in people]) == PEOPLE
    answer = api.get("/v1/keywords/trending").json()["keywords"]
    assert [(row["keyword"], row["searches"]) for row in answer] == [("Linen Shirt", PEOPLE)]
    before = state(redis_conn, config)
    facts: list[Fact] = [(at // 60_000, who, LINEN) for who in people]
    assert write(config, facts) == 0
    assert state(redis_conn, config) == before
    assert write(config, [*facts, (at // 60_000, "a service's", LINEN)]) == 1  # not by HTTP
    assert zset(redis_conn, Keys(config.redis.prefix).keyword_window) == {
        "linenshirt": PEOPLE + 1, "coat": 20 * 9,
    }  # fmt: skip


def test_a_search_without_a_user_is_its_sessions_and_one_of_a_clock_ahead_is_of_now(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    at = now_ms()
    ahead = search("u", at + 200_000)
    anonymous = search("u", at) | {"session_id": "s"}
    del anonymous["user_id"]
    assert post(api, [ahead, anonymous]) == 2
    minutes = {at // 60_000, now_ms() // 60_000}
    counts = [redis_conn.pfcount(Keys(config.redis.prefix).keyword_users(minute, "linenshirt")) for minute in minutes]
    assert sum(counts) == 2
    facts: list[Fact] = [(minute, who, LINEN) for minute in minutes for who in ("u", "s")]
    assert len(minutes) > 1 or write(config, facts) == 0


@pytest.mark.parametrize("age", [LATE_MS + 1000, 200_000])
def test_what_the_stream_may_take_for_late_is_left_to_it(
    api: httpx.Client, config: Config, redis_conn: redis.Redis, age: int
) -> None:
    assert post(api, [search("u", now_ms() - age)]) == 1
    assert state(redis_conn, config) == {}
    assert post(api, [search("u", now_ms() - LATE_MS + 5000)]) == 1
    assert state(redis_conn, config) != {}


def test_what_is_refused_is_not_counted(api: httpx.Client, config: Config, redis_conn: redis.Redis) -> None:
    assert post(api, [search("u", now_ms(), position=-1), {**search("u", now_ms()), "user_id": "null"}]) == 0
    admin = KafkaAdminClient(**kafka_python_settings(config))
    admin.delete_topics([config.topic("behavior")])
    wait_for("the topic is gone", lambda: config.topic("behavior") not in admin.list_topics())
    admin.close()
    assert post(api, [search("u", now_ms())]) == 0  # Kafka lacks its topic
    assert state(redis_conn, config) == {}
