"""The job from the lake to Redis: trains on the simulator's past, publishes, refuses what is no better, keeps three."""

import dataclasses
import json
from collections.abc import Iterator
from math import log
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from redis import Redis

from batch import ctr, ctr_runs
from batch.ctr_judge import quality, segments
from batch.ctr_runs import POINTER, live_model, put, record, retire
from batch.pointer import promote, restore, rollback
from bench.simulated_lake import fill
from common.config import Config
from common.errors import StylestreamError
from common.keys import Keys
from common.models.ctr import load
from common.redis_client import redis_target
from common.sources.lake import CATALOG, EVENTS, read_table

END_MS = 1_790_000_000_000


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, platform: Config) -> Config:
    """One lake and one prefix for the module."""
    folder = tmp_path_factory.mktemp("ctr")
    own = dataclasses.replace(platform.redis, prefix="ctrjob")
    settings = dataclasses.replace(platform.ctr, test_fraction=0.25)
    return dataclasses.replace(platform, ctr=settings, redis=own, lake_path=str(folder / "lake"))


@pytest.fixture
def client(config: Config) -> Iterator["Redis"]:
    client = redis_target(config).connect()
    yield client
    client.close()


@pytest.fixture(scope="module")
def trained(spark: SparkSession, config: Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("records")
    fill(spark, config, folder, END_MS, users=2500, items=200, history_minutes=1440)
    outcome = ctr.run(spark, config)
    assert outcome.status == "done", outcome.message
    assert "click-through 0." in outcome.message
    live = live_model(config)
    assert live is not None
    return live.version


@pytest.fixture(scope="module")
def shown(spark: SparkSession, config: Config, trained: str) -> tuple[DataFrame, int]:
    """What the job makes of the lake, worked out once for the tests that change it."""
    events = ctr.recent(read_table(spark, config, EVENTS), config.ctr.days)
    rows, as_of_ms = ctr.labelled(events, read_table(spark, config, CATALOG), config)
    return rows.localCheckpoint(), as_of_ms


def runs(spark: SparkSession, config: Config) -> list[ctr_runs.Run]:
    rows = read_table(spark, config, ctr_runs.RUNS).orderBy("version").collect()
    return [ctr_runs.Run(**row.asDict()) for row in rows]


def test_the_run_says_what_came_of_it(spark: SparkSession, config: Config, trained: str, client: "Redis") -> None:
    (run,) = [run for run in runs(spark, config) if run.version == trained]
    metrics = json.loads(run.metrics)
    assert (run.status, run.events_version) == ("published", 0)
    assert metrics["new"]["normalized_entropy"] < 0.995
    assert 0.8 < metrics["new"]["calibration"] < 1.25
    assert set(metrics) == {"new", "live", "psi", "click_through", "by_surface", "segments", "drift"}
    parts = metrics["segments"]
    assert {"light", "heavy"} <= {*parts}
    for name in ("exposures", "clicks"):
        assert sum(part[name] for part in parts.values()) == metrics["new"][name]
    loss = sum(part["log_loss"] * part["exposures"] for part in parts.values()) / metrics["new"]["exposures"]
    assert loss == pytest.approx(metrics["new"]["log_loss"], abs=1e-5)
    drift = json.loads(client.get(Keys("ctrjob").drift("ctr")))
    assert (drift["version"], drift["psi"]) == (trained, metrics["psi"])
    assert drift["psi"][drift["largest"]] == max(drift["psi"].values())
    assert drift["click_through"] == metrics["by_surface"]
    whole = {name: pytest.approx(100 * rate, abs=1e-4) for name, rate in metrics["click_through"].items()}
    assert drift["click_through"][""] == whole
    assert len(drift["click_through"]) > 1
    assert client.get(Keys("ctrjob").ctr_model(trained)) == run.model.encode()
    assert client.ttl(Keys("ctrjob").ctr_model(trained)) > 13 * 86_400
    assert len(run.model) < 50_000
    model = load(run.model)
    assert model is not None
    assert len(model.category_price) == 20


def test_a_model_trained_on_shuffled_clicks_is_refused_and_the_live_one_stays(
    spark: SparkSession,
    config: Config,
    trained: str,
    shown: tuple[DataFrame, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shuffled(*_: object) -> tuple[DataFrame, int]:
        rows, as_of_ms = shown
        rate = rows.agg(F.avg("label")).collect()[0][0]
        return rows.withColumn("label", (F.abs(F.xxhash64("event_id")) % 1000 < rate * 1000).cast("int")), as_of_ms

    monkeypatch.setattr(ctr, "labelled", shuffled)
    outcome = ctr.run(spark, config)
    assert outcome.status == "refused", outcome.message
    live = live_model(config)
    assert live is not None
    assert live.version == trained
    assert [run.status for run in runs(spark, config) if run.version != trained] == ["refused"]


def test_a_version_taken_back_stays_so_and_all_but_the_newest_three_and_the_live_one_leave_redis(
    spark: SparkSession, config: Config, trained: str, client: "Redis"
) -> None:
    (first,) = [run for run in runs(spark, config) if run.version == trained]
    later = [f"2099010{n}T000000" for n in range(3)]
    for version in later:
        record(spark, config, dataclasses.replace(first, version=version))
        put(config, version, first.model)
    promote(spark, config, POINTER, later[0])
    assert rollback(spark, config, POINTER, trained) == trained
    assert retire(spark, config) == []
    keys = Keys("ctrjob")
    client.delete(keys.live_ctr, keys.ctr_model(trained))  # Redis is lost
    assert retire(spark, config) == []
    assert restore(spark, config, POINTER).startswith(f"{trained}, ")
    assert client.get(keys.live_ctr) == trained.encode()
    promote(spark, config, POINTER, later[-1])
    assert retire(spark, config) == [trained]
    assert [client.exists(keys.ctr_model(version)) for version in (trained, *later)] == [0, 1, 1, 1]
    with pytest.raises(StylestreamError, match=f"the ctr version '{trained}' is retired; kept: {later[-1]}, "):
        promote(spark, config, POINTER, trained)
    record(spark, config, dataclasses.replace(first, version="20990201T000000", model='{"edges": {}}'))
    with pytest.raises(StylestreamError, match="is of another release's features: train it anew"):
        promote(spark, config, POINTER, "20990201T000000")
    assert ctr_runs.live_version(config) == later[-1]


def test_quality_is_that_of_the_formulas(spark: SparkSession) -> None:
    rows = [("a", 1, 0.8), ("b", 0, 0.3), ("c", 1, 0.4), ("d", 0, 0.1), ("e", 0, 0.6)]
    found = quality(spark.createDataFrame(rows, "event_id string, label int, p double"))

    loss = -(log(0.8) + log(0.7) + log(0.4) + log(0.9) + log(0.4)) / 5
    assert found.log_loss == pytest.approx(loss)
    assert found.normalized_entropy == pytest.approx(loss / -(0.4 * log(0.4) + 0.6 * log(0.6)))
    assert found.auc == pytest.approx(5 / 6)  # of the six pairs only (c, e) is the wrong way round
    assert found.calibration == pytest.approx(2.2 / 2)
    assert found.calibration_error == pytest.approx((0.2 + 0.3 + 0.6 + 0.1 + 0.6) / 5)


def test_segments_are_by_what_people_had_done_before(spark: SparkSession) -> None:
    rows = [(0, 1, 0.8), (0, 0, 0.3), (1, 0, 0.4), (10, 1, 0.1), (11, 0, 0.6), (900, 0, 0.2)]
    found = segments(spark.createDataFrame(rows, "deeds int, label int, p double"))
    loss = -(log(0.6) + log(0.1)) / 2
    light = {"exposures": 2, "clicks": 1, "log_loss": loss, "normalized_entropy": loss / log(2), "calibration": 0.5}
    assert found["light"] == pytest.approx(light, abs=1e-4)
    assert found["new"]["calibration"] == pytest.approx(1.1)
    assert (found["heavy"]["clicks"], found["heavy"]["normalized_entropy"], found["heavy"]["calibration"]) == (
        0,
        None,
        None,
    )
    assert len(found) == 3


def test_a_part_without_clicks_is_no_run(
    spark: SparkSession, config: Config, shown: tuple[DataFrame, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lately_none(*_: object) -> tuple[DataFrame, int]:
        rows, as_of_ms = shown
        cut = ctr.split(rows, config).newest.agg(F.min("time_ms")).collect()[0][0]
        return rows.withColumn("label", F.when(F.col("time_ms") < cut, F.col("label")).otherwise(0)), as_of_ms

    monkeypatch.setattr(ctr, "labelled", lately_none)
    outcome = ctr.run(spark, config)
    assert outcome.exit_code == 11, outcome.message
    assert "exposures of the newest part are clicked" in outcome.message


def test_a_lake_with_few_exposures_is_no_run(
    spark: SparkSession, config: Config, shown: tuple[DataFrame, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctr, "labelled", lambda *_: shown)
    more = dataclasses.replace(config, ctr=dataclasses.replace(config.ctr, min_exposures=10**9))
    outcome = ctr.run(spark, more)
    assert outcome.status == "no-data"
    assert "it takes 1000000000 and" in outcome.message
