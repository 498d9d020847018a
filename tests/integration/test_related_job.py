"""Related items from the lake to Redis: whose factors, what is refused, taken back, kept; the command line says so."""

import dataclasses
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


def test_too_few_lists_are_refused_and_a_version_taken_back_stays_so(
    spark: SparkSession, config: Config, redis_conn: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.model, "_in_session", lambda _, work: work(spark))
    conf = str(write_config(config, tmp_path))

    def command(*arguments: str) -> str:
        done = CliRunner().invoke(cli.model.model, [*arguments, "--conf", conf])
        return done.output or str(done.exception)

    def live() -> str:
        return related_versions.live_version(config)

    append(lake_events(spark, shop()), config, EVENTS, "date")
    outcome = related.run(spark, config)
    first = outcome.message.split()[1]
    lists = related_versions.count(spark, config, first)
    assert outcome.message == f"version {first} of the related items is live: {lists} lists, events version 0"
    assert (live(), lists) == (first, 4)

    strict = dataclasses.replace(config.related, min_lists_to_live=1.5)
    refused = related.run(spark, dataclasses.replace(config, related=strict))
    assert refused.exit_code == 10
    assert refused.message.endswith(
        "refused: 4 lists, the live version has 4: must be at least 1.5 times that (related.min_lists_to_live)"
    )
    assert related_versions.newest(spark, config) == [first]
    bad = refused.message.split()[1]
    assert command("promote", "--kind", "related", bad) == f"the related version '{bad}' was refused; kept: {first}"

    (run,) = [run for run in registry.runs(spark, config, "related") if run.version == first]
    for day in (1, 2):
        version = f"2099010{day}T000000"
        rows = related_versions.rows_of(spark, config, first)
        related_versions.save(rows, config, version)
        registry.record(spark, config, dataclasses.replace(run, version=version), "related")
        assert command("promote", version, "--kind", "related") == f"related {version} is live: 4 lists\n"
    assert command("rollback", "--kind", "related", first) == f"related {first} is live again\n"
    one = dataclasses.replace(config, related=dataclasses.replace(config.related, keep_versions=1))
    assert related_versions.retire(spark, one) == ["20990101T000000"]
    kept = {key.decode().split(":")[2] for key in redis_conn.scan_iter(f"{config.redis.prefix}:rel:*:*:*")}
    assert kept == {first, "20990102T000000"}

    listed = command("list").splitlines()
    assert [line.split()[:3] for line in listed if line.startswith("related")] == [
        ["related", "20990102T000000", "kept"],
        ["related", "20990101T000000", "retired"],
        ["related", bad, "refused"],
        ["related", first, "live"],
    ]
    waits = f"is kept, not served: rolled back to {first}; promote it by hand"
    assert serve_new(spark, config, related_versions.POINTER, "20990103T000000") == waits
    assert live() == first
    assert "'shoes' is not one of 'als', 'ctr', 'sessions', 'related'" in command("promote", "--kind", "shoes", first)
    assert command("promote", "--kind", "related", "never").startswith("the related version 'never' is unknown; kept: ")
    assert command("promote", "--kind", "ctr", "--share", "0.5", first).startswith("only 'als' has canaries")
