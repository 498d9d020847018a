"""A canary over HTTP and by the command line: its users have its model, the others the live one, until it is over."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import redis
from click.testing import CliRunner
from pyspark.sql import SparkSession

import cli.model
from batch import canary, models, rebuild, registry
from common.config import Config
from common.errors import StylestreamError
from common.keys import Keys
from common.models.canary import Canary
from common.models.recommender import model_store
from common.redis_client import redis_target
from local.process import wait_until
from tests.event_factory import event
from tests.integration.conftest import Serve
from tests.integration.shop_in_redis import Shop
from tests.integration.test_surfaces import ask
from tests.platform import write_config

OLD, NEW, SHARE = "20260301T000000", "20260302T000000", 0.4
USERS = [f"u-{n}" for n in range(16)]
LUCKY = {user for user in USERS if Canary(NEW, SHARE).serves(user)}
LISTED = {OLD: "coats-5", NEW: "bags-5"}
METRICS = (
    '{"als": {"ndcg": 0.2}, "popularity": {"ndcg": 0.1}, "lift": 2.0, "users": 16, "items": 2, "published": "als"}'
)
LISTS = "user string, items array<struct<item: string, score: double>>"


@pytest.fixture
def two(spark: SparkSession, config: Config, redis_conn: redis.Redis) -> Config:
    """Two versions as training leaves them, the older one live; each lists an item of its own for every user."""
    Shop(config, redis_conn).open()
    ids, now = np.array(sorted(item.encode() for item in LISTED.values())), datetime.now(timezone.utc)
    about = {"alpha": 1.0, "regularization": 0.1, "share": 1.0}
    for version, item in LISTED.items():
        rows = spark.createDataFrame([(user, [(item, 1.0)]) for user in USERS], LISTS).coalesce(1)
        models.save_part(rows, config, models.CANDIDATES, version)
        model_store(config).factors.write(version, [{"ids": ids, "factors": np.eye(2, dtype=np.float32)}], about)
        registry.record(spark, config, registry.Run(version, now, now, 0, "{}", METRICS, "published"))
    models.promote(spark, config, OLD, "publish")
    return config


@pytest.fixture
def command(two: Config, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`stylestream model …` in this process's Spark: its output."""
    monkeypatch.setattr(cli.model, "_in_session", lambda _, work: work(spark))
    conf = write_config(two, tmp_path)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli.model.model, [*arguments, "--conf", str(conf)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    yield run


def used(api: httpx.Client, user: str) -> tuple[str, set[str]]:
    """The version that answered, and what it had chosen."""
    found = ask(api, "for-you", user=user, limit=100, explain=True)
    by_model = {
        item["item_id"]
        for item in found["items"]
        if any(reason["signal"] == "als" and reason["contribution"] > 0 for reason in item["reasons"])
    }
    return found["model_version"], by_model


def answers(api: httpx.Client, canary_users: set[str]) -> bool:
    versions = {user: NEW if user in canary_users else OLD for user in USERS}
    return {user: used(api, user) for user in USERS} == {user: (v, {LISTED[v]}) for user, v in versions.items()}


def test_its_share_of_the_users_has_it_until_it_is_over_or_live(
    two: Config, command: Any, serve: Serve, spark: SparkSession
) -> None:
    api = serve(two)
    assert 0 < len(LUCKY) < len(USERS)
    assert answers(api, set())
    assert command("promote", NEW, "--share", "0.4") == (
        f"model {NEW} for 40 % of the users is the canary, {OLD} stays live\n"
    )
    assert wait_until(lambda: answers(api, LUCKY), 10)
    listed = command("list")
    assert f"{NEW}  canary 40 %" in listed and f"{OLD}  live" in listed
    assert "live not exposed yet, canary not exposed yet" in listed
    assert command("rollback") == f"the canary {NEW} for 40 % of the users is over, model {OLD} stays live\n"
    assert wait_until(lambda: answers(api, set()), 10)
    command("promote", NEW, "--share", "0.4")
    assert command("promote", NEW) == f"model {NEW} is live for {len(USERS)} users\n"
    assert wait_until(lambda: answers(api, {*USERS}), 10)
    assert canary.running(two) is None
    assert command("rollback") == f"model {OLD} is live again\n"
    reasons = [move.reason for move in registry.moves(spark, two)]
    assert reasons == ["publish", "canary", "canary-over", "canary", "promote", "rollback"]


def test_somebody_new_is_folded_in_by_it_and_a_canary_that_vanished_is_stood_in_for_by_the_live_model(
    two: Config, serve: Serve, spark: SparkSession, redis_conn: redis.Redis
) -> None:
    api, keys = serve(two), Keys(two.redis.prefix)
    models.promote(spark, two, NEW, share=SHARE)
    new = next(user for user in (f"new-{n}" for n in range(99)) if Canary(NEW, SHARE).serves(user))
    view = event("view", user_id=new, item_id="bags-5", category="bags")
    assert api.post("/v1/events", json=view).status_code == 202
    assert wait_until(lambda: used(api, new)[0] == NEW, 10)
    for user in USERS:
        redis_conn.delete(keys.candidates(NEW, user))
    assert answers(api, set())
    redis_conn.set(keys.canary, Canary("gone", 0.999).dump())
    assert wait_until(lambda: used(api, new)[0] == OLD, 10)
    redis_conn.set(keys.canary, b"nonsense")
    assert wait_until(lambda: answers(api, set()), 10)


def test_it_is_kept_restored_and_refused_where_it_makes_no_sense(
    two: Config, spark: SparkSession, redis_conn: redis.Redis
) -> None:
    keys = Keys(two.redis.prefix)
    with pytest.raises(StylestreamError, match="is live for all users"):
        models.promote(spark, two, OLD, share=SHARE)
    models.promote(spark, two, NEW)
    models.promote(spark, two, OLD, share=SHARE)
    said = models.serve_new(spark, two, "20260303T000000")
    assert said == f"is kept, not served: the canary {OLD} for 40 % of the users runs beside {NEW}"
    other = registry.Run("20260303T000000", *[datetime.now(timezone.utc)] * 2, 0, "{}", METRICS, "published")
    registry.record(spark, two, other)
    one = dataclasses.replace(two, als=dataclasses.replace(two.als, keep_versions=1))
    assert models.retire(spark, one) == []
    for key in redis_conn.scan_iter(f"{two.redis.prefix}:*"):
        redis_conn.delete(key)
    assert rebuild._model(spark, two) == f"{NEW}, 16 users; canary {OLD} for 40 % of the users"
    assert (models.live_version(two), canary.running(two)) == (NEW, Canary(OLD, SHARE))
    assert all(redis_conn.exists(keys.candidates(version, USERS[0])) for version in LISTED)
    redis_conn.delete(keys.live_model, keys.canary)
    with pytest.raises(StylestreamError, match="no model is live for the other users"):
        models.promote(spark, two, OLD, share=SHARE)


def test_after_a_rollback_a_new_version_waits_until_somebody_promotes_one(
    two: Config, command: Any, spark: SparkSession
) -> None:
    third = "20260303T000000"
    models.promote(spark, two, NEW)
    assert command("rollback", OLD) == f"model {OLD} is live again\n"
    assert models.serve_new(spark, two, third) == f"is kept, not served: rolled back to {OLD}; promote it by hand"
    assert models.live_version(two) == OLD
    one = dataclasses.replace(two, als=dataclasses.replace(two.als, keep_versions=1))
    with redis_target(two).connect() as client:
        client.delete(Keys(two.redis.prefix).live_model)  # Redis is lost: the history knows which was live
    assert models.retire(spark, one) == []
    assert models.serve_new(spark, two, third).startswith(f"is kept, not served: rolled back to {OLD}")
    with pytest.raises(StylestreamError, match="'never' was not live before the present one, or is not kept"):
        models.rollback(spark, two, "never")
    models.promote(spark, two, OLD)
    assert models.serve_new(spark, two, third) == "is live"


def test_one_that_only_the_history_knows_is_over_by_rollback_and_the_live_model_stays(
    two: Config, spark: SparkSession, redis_conn: redis.Redis
) -> None:
    models.promote(spark, two, NEW, share=SHARE)
    redis_conn.delete(Keys(two.redis.prefix).canary)  # as after an end that failed half-way
    assert models.rollback(spark, two) == (OLD, Canary(NEW, SHARE))
    assert models.live_version(two) == OLD
    waits = models.serve_new(spark, two, "20260303T000000")
    assert waits == f"is kept, not served: rolled back to {OLD}; promote it by hand"
    assert models.live_version(two) == OLD
    with pytest.raises(StylestreamError, match="there is no earlier model"):
        models.rollback(spark, two)
    with pytest.raises(StylestreamError, match="a share is more than 0 and at most 1, not nan"):
        models.promote(spark, two, NEW, share=float("nan"))
