"""Related items from the lake to Redis: whose factors, what is refused, taken back, kept; the command line says so."""

import dataclasses
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner
from pyspark.sql import SparkSession

import cli.model
from batch import models, registry, related, related_versions
from batch.pointer import serve_new
from batch.tables import append
from common.config import Config
from common.keys import Keys
from common.models.canary import Canary
from common.sources.lake import EVENTS
from tests.lake_events import lake_events
from tests.platform import write_config
from tests.spark.test_related import shop

OLD, NEW = "20260301T000000", "20260302T000000"
LISTS = "kind string, item string, items array<struct<item: string, together: double, als: double>>"


def test_the_factors_are_those_of_the_live_model_not_of_a_newer_one(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    keys, now = Keys(config.redis.prefix), datetime.now(timezone.utc)
    assert related.live_factors(spark, config).count() == 0
    for version, value in ((OLD, 1.0), (NEW, 2.0)):
        rows = spark.createDataFrame([("coat", 0, [value])], related.NO_FACTORS).coalesce(1)
        models.save_part(rows, config, related.FACTORS, version)
        registry.record(spark, config, registry.Run(version, now, now, 0, "{}", "{}", "published"))
    redis_conn.set(keys.live_model, OLD)
    redis_conn.set(keys.canary, Canary(NEW, 0.5).dump())
    assert [row["features"] for row in related.live_factors(spark, config).collect()] == [[1.0]]
    redis_conn.delete(keys.live_model)
    assert related.live_factors(spark, config).count() == 0
    registry.record_move(spark, config, OLD, "publish")  # what was live when Redis lost its pointer
    assert [row["features"] for row in related.live_factors(spark, config).collect()] == [[1.0]]


@pytest.fixture
def command(config: Config, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`stylestream model …` in this process's Spark: what it prints, or the error's line."""
    monkeypatch.setattr(cli.model, "_in_session", lambda _, work: work(spark))
    conf = str(write_config(config, tmp_path))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(cli.model.model, [*arguments, "--conf", conf])
        return done.output or str(done.exception)

    return run


def test_too_few_lists_are_refused_and_the_live_ones_stay(
    spark: SparkSession, config: Config, command: Callable[..., str]
) -> None:
    append(lake_events(spark, shop()), config, EVENTS, "date")
    outcome = related.run(spark, config)
    first = outcome.message.split()[1]
    assert outcome.message == f"version {first} of the related items is live: 4 lists, events version 0"
    strict = dataclasses.replace(config.related, min_lists_to_live=1.5)
    refused = related.run(spark, dataclasses.replace(config, related=strict))
    assert refused.exit_code == 10
    assert refused.message.endswith(
        "refused: 4 lists, the live version has 4: must be at least 1.5 times that (related.min_lists_to_live)"
    )
    assert related_versions.newest(spark, config) == [first]
    assert related_versions.live_version(config) == first
    bad = refused.message.split()[1]
    assert command("promote", "--kind", "related", bad) == f"the related version '{bad}' was refused; kept: {first}"
    listed = [line.split()[:3] for line in command("list").splitlines() if line.startswith("related")]
    assert listed == [["related", bad, "refused"], ["related", first, "live"]]


def test_a_version_taken_back_stays_so_and_the_live_one_is_kept(
    spark: SparkSession, config: Config, redis_conn: redis.Redis, command: Callable[..., str]
) -> None:
    third, now = "20260303T000000", datetime.now(timezone.utc)
    rows = spark.createDataFrame([("similar", "coat", [("hat", 3.0, 0.5)])], LISTS).coalesce(1)
    for version in (OLD, NEW, third):
        related_versions.save(rows, config, version)
        run = registry.Run(version, now, now, 0, "{}", '{"lists": 1}', "published")
        registry.record(spark, config, run, "related")
        if version != third:
            assert command("promote", version, "--kind", "related") == f"related {version} is live: 1 lists\n"
    assert command("rollback", "--kind", "related") == f"related {OLD} is live again\n"
    waits = f"is kept, not served: rolled back to {OLD}; promote it by hand"
    assert serve_new(spark, config, related_versions.POINTER, third) == waits
    assert related_versions.live_version(config) == OLD
    one = dataclasses.replace(config, related=dataclasses.replace(config.related, keep_versions=1))
    assert related_versions.retire(spark, one) == [NEW]
    assert {key.decode().split(":")[2] for key in redis_conn.scan_iter(f"{config.redis.prefix}:rel:*:*:*")} == {OLD}
    listed = [line.split()[1:3] for line in command("list").splitlines() if line.startswith("related")]
    assert listed == [[third, "kept"], [NEW, "retired"], [OLD, "live"]]


def test_what_cannot_be_is_refused_in_a_line(config: Config, command: Callable[..., str]) -> None:
    assert "'shoes' is not one of 'als', 'ctr', 'sessions', 'related'" in command("promote", "--kind", "shoes", OLD)
    for kind in ("ctr", "sessions", "related"):
        assert command("promote", "--kind", kind, OLD) == f"the {kind} version '{OLD}' is unknown; kept: none"
    assert command("promote", "--kind", "ctr", "--share", "0.5", OLD).startswith("only 'als' has canaries")
    assert command("rollback", "--kind", "ctr").startswith("there is no earlier model")
