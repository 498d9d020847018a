"""All models trained from one lake, published, and asked over HTTP for somebody who is new since: every surface answers
from its own source within the group of the one item that was looked at."""

import dataclasses
from typing import Any

import httpx
import pytest
import redis
from pyspark.sql import SparkSession

from batch import als, related, sessions
from batch.tables import append
from common.config import Config
from common.keys import Keys, user_field
from common.sources.lake import EVENTS
from local.process import wait_until
from tests.conftest import fresh
from tests.event_factory import event as sent
from tests.integration.conftest import Serve
from tests.integration.test_surfaces import ask, ids
from tests.lake_events import lake_events, planted


@pytest.fixture(scope="module")
def trained(spark: SparkSession, platform: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Three groups of items; whoever looks at one of a group looks at others of it."""
    small = dataclasses.replace(platform.als, rank=6, iterations=3, candidates=20)
    own = fresh(dataclasses.replace(platform, als=small), tmp_path_factory.mktemp("surfaces"))
    rows = [row | {"session_id": f"s-{row['user_id']}"} for row in planted(3, 25, 12, 7, seed=2)]
    append(lake_events(spark, rows), own, EVENTS, "date")
    for job in (als, sessions, related):
        outcome = job.run(spark, own)
        assert outcome.status == "done", outcome.message
    return own


def group(answer: dict[str, Any], most: int = 5) -> set[str]:
    return {item.split("-")[0] for item in ids(answer)[:most]}


def test_somebody_new_gets_every_surface_from_its_own_source_after_one_look(
    trained: Config, serve: Serve, redis_conn: redis.Redis
) -> None:
    api, keys = serve(trained), Keys(trained.redis.prefix)
    view(api, "new", "i1-0")
    for surface in ("for-you", "now", "similar"):
        found = ask(api, surface, user="new", item="i1-0", limit=5)
        assert (surface, found["fallback"], group(found, 3)) == (surface, None, {"i1"})
        assert found["model_version"]
    assert "i1-0" not in ids(ask(api, "now", user="new", limit=200))  # is on the screen
    first = ids(ask(api, "now", user="new", limit=5))
    next_page = ask(api, "now", user="new", limit=5, exclude=first, explain=True)
    assert next_page["fallback"] is None and not set(first) & set(ids(next_page))
    version = (redis_conn.get(keys.live_related) or b"").decode()  # type: ignore[union-attr]
    redis_conn.set(keys.related(version, "similar", "unheard-of"), '[["i2-3", 5.0, 0.5]]')
    view(api, "other", "unheard-of")
    found = ask(api, "now", user="other", limit=1)
    assert (found["fallback"], ids(found)) == ("together", ["i2-3"])
    model = ask(api, "for-you")["model_version"]
    assert redis_conn.get(keys.candidates(model, "new")) is None
    redis_conn.set(keys.live_model, "yet-to-be-opened")
    assert wait_until(lambda: ask(api, "for-you")["model_version"] == "yet-to-be-opened", 5)
    found = ask(api, "for-you", user="new", limit=5)
    assert (found["fallback"], found["model_version"], group(found, 3)) == (None, model, {"i1"})
    redis_conn.set(keys.live_model, model)


def test_a_fresh_session_of_somebody_else_counts_in_related_within_seconds(
    trained: Config, serve: Serve, redis_conn: redis.Redis
) -> None:
    api, keys = serve(trained), Keys(trained.redis.prefix)
    before = ask(api, "related", user="", item="i1-0", limit=100)
    assert "brand-new" not in ids(before)
    minute = 29_000_000
    for n, item in enumerate(("i1-0", "brand-new")):
        value = f"1,0,0,0,0,0,0,0,0|{minute * 60_000 + n}|9.0"
        redis_conn.hset(keys.user_facts("other"), user_field(minute, "i1", item), value)
        redis_conn.zadd(keys.fresh(item), {"other": minute * 60_000 + n})
    assert wait_until(lambda: "brand-new" in ids(ask(api, "related", user="", item="i1-0", limit=100)), 5)
    after = ask(api, "related", user="", item="i1-0", limit=100, explain=True)
    (item,) = [one for one in after["items"] if one["item_id"] == "brand-new"]
    assert "session" in {reason["signal"] for reason in item["reasons"]}


def view(api: httpx.Client, user: str, item: str) -> None:
    answer = api.post("/v1/events", json=sent("view", user_id=user, item_id=item, category=item.split("-")[0]))
    assert answer.status_code == 202
