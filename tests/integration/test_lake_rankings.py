"""Rankings of minutes that Redis no longer answers for: from Delta, without Spark, against what was served then."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import redis
from pyspark.sql import SparkSession

from batch import facts
from batch.tables import append
from common.config import Config
from common.facts.aggregate import aggregate
from common.sinks.redis_facts import write_facts
from common.sources.lake import EVENTS
from tests.integration.conftest import Serve
from tests.integration.test_past_rankings import KINDS, ask, moment
from tests.lake_events import START, event, lake_events

FIRST = int(START.timestamp()) // 60
THEN = 2 * 1440 + 700  # minutes after START
KINDS_OF_EVENT = ("view", "view", "view", "click", "cart_add", "wish_add", "purchase")
CATEGORIES = ("women", "women/shoes", "men")


def days(count: int = 5) -> list[dict[str, Any]]:
    """Actions every five minutes, and a bot's 300 views within the minutes before `THEN`."""
    rows = []
    for n in range(count * 288):
        item = (n * n + n // 7) % 23
        kind, user = KINDS_OF_EVENT[n % 7], f"u{n % 31}"
        rows.append(event(n, kind, 5 * n, user, f"i{item}", category=CATEGORIES[item % 3], price=10.0))
    bot = [event(90_000 + n, "view", THEN - n % 20, "bot", "i22", category=CATEGORIES[1]) for n in range(300)]
    return sorted([*rows, *bot], key=lambda row: row["event_time"])


def until(rows: list[dict[str, Any]], minute: int) -> list[dict[str, Any]]:
    return [row for row in rows if row["event_time"] < START + timedelta(minutes=minute + 1)]


@pytest.mark.parametrize("top", [None, "women"])
def test_the_lakes_answer_is_what_was_served_then(
    spark: SparkSession, config: Config, serve: Serve, redis_conn: redis.Redis, top: str | None
) -> None:
    rows, scope = days(), {"category": top} if top else {}
    write_facts(aggregate(lake_events(spark, until(rows, THEN))), config)
    served = {name: ask(serve(config), name, **scope) for name in KINDS}
    assert served["views-1h"]["items"]
    write_facts(aggregate(lake_events(spark, rows)), config)
    append(lake_events(spark, rows), config, EVENTS, "date")
    assert facts.run(spark, config).status == "done"
    for key in redis_conn.scan_iter(match=f"{config.redis.prefix}*:[fx]:*"):
        if int(key.decode().rsplit(":", 1)[1]) < FIRST + 3 * 1440:
            redis_conn.delete(key)  # as if it had lived its hours: nothing of the answer may come from there
    api = serve(config)
    for name, before in served.items():
        found = ask(api, name, at=moment(FIRST + THEN), **scope)
        assert found["as_of"] == before["as_of"]
        assert found["horizon"] is not None
        assert len(found["items"]) == len(before["items"])
        for new, old in zip(found["items"], before["items"], strict=True):
            assert new.pop("score") == pytest.approx(old.pop("score"), rel=1e-9)
            assert new == old


def test_redis_and_lake_agree_on_a_minute_of_the_last_day(
    spark: SparkSession, config: Config, api: httpx.Client, redis_conn: redis.Redis, serve: Serve
) -> None:
    rows = until(days(), THEN + 600)
    write_facts(aggregate(lake_events(spark, rows)), config)
    append(lake_events(spark, rows), config, EVENTS, "date")
    assert facts.run(spark, config).status == "done"
    at = moment(FIRST + THEN + 30)
    near = {name: ask(api, name, at=at) for name in KINDS}
    for key in redis_conn.scan_iter(match=f"{config.redis.prefix}:*"):
        redis_conn.delete(key)
    for name, before in near.items():
        found = ask(serve(config), name, at=at)
        assert found["horizon"] is None
        assert [{**row, "score": 0} for row in found["items"]] == [{**row, "score": 0} for row in before["items"]]
        assert [row["score"] for row in found["items"]] == pytest.approx([row["score"] for row in before["items"]])
    before_all = ask(serve(config), "popular", at=moment(FIRST - 5000))
    assert (before_all["items"], before_all["as_of"]) == ([], None)
