"""The profile of somebody whose facts have left Redis, and of somebody with both parts, nothing counted twice."""

from collections import Counter
from typing import Any

import httpx
import redis
from pyspark.sql import SparkSession

from batch.models import publish_profiles
from batch.patterns import until
from batch.profiles import long_profiles
from common.config import Config
from common.keys import Keys, user_field
from tests.event_factory import event as sent
from tests.lake_events import START, event, lake_events

FIRST = int(START.timestamp()) // 60
HOUR = 60
# Two users do the same: two visits early in the day, one that begins within the hour that is not settled yet.
DONE = [
    (0, "view", "i1"),
    (10, "cart_add", "i1"),
    (12, "wish_add", "i2"),
    (2 * HOUR, "view", "i3"),
    (2 * HOUR + 30, "purchase", "i1"),
    (2 * HOUR + 50, "view", "i4"),
    (3 * HOUR + 20, "view", "i5"),
]
AS_OF = (FIRST + 3 * HOUR + 40) * 60_000
KINDS = ("view", "click", "cart_add", "wish_add", "purchase", "exposure", "search", "cart_remove", "wish_remove")


def profile(api: httpx.Client, user: str) -> dict[str, Any]:
    return api.get(f"/v1/users/{user}/profile").json()  # type: ignore[no-any-return]


def stream(client: redis.Redis, config: Config, user: str, minute: int, kind: str, item: str) -> None:
    """A user fact as the stream leaves it."""
    counts = ",".join("1" if name == kind else "0" for name in KINDS)
    field = user_field(FIRST + minute, "", item)
    client.hset(Keys(config.redis.prefix).user_facts(user), field, f"{counts}|{(FIRST + minute) * 60_000}|")


def test_long_ago_and_lately_are_one_pattern(
    spark: SparkSession, config: Config, redis_conn: redis.Redis, api: httpx.Client
) -> None:
    rows = [
        event(10 * n + k, kind, minute, user, item)
        for k, user in enumerate(("gone", "back"))
        for n, (minute, kind, item) in enumerate(DONE)
    ]
    frame = long_profiles(lake_events(spark, rows), config.profile.weights, 30.0, AS_OF)
    assert publish_profiles(frame, config) == 2
    assert until(AS_OF) == (FIRST + 2 * HOUR + 40) * 60_000
    gone = profile(api, "gone")
    assert gone["pattern"]["counts"] == {"cart_add": 1, "purchase": 1, "view": 2, "wish_add": 1}
    assert gone["pattern"]["hours"] == [{"hour": 0, "actions": 3}, {"hour": 2, "actions": 2}]
    assert (gone["pattern"]["visits"], gone["pattern"]["visit_minutes"]) == (2, (12 + 30) / 2)
    assert (gone["pattern"]["active_hour"], gone["pattern"]["view_to_cart"]) == (0, 0.5)
    assert gone["last"] == {
        "viewed": ["i5", "i4", "i3", "i2", "i1"],
        "carted": ["i1"],
        "wished": ["i2"],
        "bought": ["i1"],
    }
    assert (gone["recent"], gone["as_of"]) == ([], "2026-03-01T03:20:00.000Z")
    for minute, kind, item in DONE[3:]:  # the stream has the last two visits, of which the first is counted already
        stream(redis_conn, config, "back", minute, kind, item)
    stream(redis_conn, config, "back", 4 * HOUR, "wish_remove", "i2")
    back = profile(api, "back")["pattern"]
    assert back["counts"] == Counter(kind for _, kind, _ in DONE) + Counter(["wish_remove"])
    assert (back["visits"], back["visit_minutes"]) == (3, (12 + 80 + 0) / 3)
    assert sum(hour["actions"] for hour in back["hours"]) == len(DONE) + 1
    assert profile(api, "back")["last"]["wished"] == []
    api.delete("/v1/users/gone")
    assert not redis_conn.exists(Keys(config.redis.prefix).long_pattern("gone"))
    assert publish_profiles(frame, config) == 2
    assert profile(api, "gone")["pattern"]["visits"] == 0


def test_the_device_is_that_of_the_newest_action_that_names_one(api: httpx.Client) -> None:
    assert profile(api, "u-1")["pattern"]["device"] is None
    for n, device in enumerate(("mobile", "app", None)):
        time = f"2026-03-01T00:0{n}:00Z"
        assert api.post("/v1/events", json=sent("view", device=device, event_time=time)).json()["accepted"] == 1
    assert profile(api, "u-1")["pattern"]["device"] == "app"
    refused = api.post("/v1/events", json=sent("view", device="x" * 65)).json()["rejected"]
    assert [(one["field"], one["reason"]) for one in refused] == [("device", "must be at most 64 characters")]
