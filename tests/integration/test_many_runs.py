"""After hundreds of runs what is live, a canary or rolled back to is known, however old it is."""

import dataclasses
import json
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from pyspark.sql import SparkSession

from batch import canary, ctr_runs, models, pointer, rebuild, registry
from batch.live import live_parameters
from batch.tables import append, delete_part
from common.config import Config
from common.models.canary import Canary
from common.models.recommender import model_store
from tests.conftest import fresh

MANY = 205  # more than are listed
FIRST, SECOND, THIRD = "20260301T000000", "20260302T000000", "20260303T000000"
NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
LATER = [registry.version_name(NOW + timedelta(days=10, minutes=30 * n)) for n in range(MANY)]
LISTS = "user string, items array<struct<item: string, score: double>>"


def note_runs(
    spark: SparkSession, config: Config, kind: registry.Kind, status: dict[str, str], parameters: str = "{}"
) -> None:
    """Rows of trainings, all in one commit."""
    rows = [(version, NOW, NOW, 0, parameters, "{}", status[version]) for version in status]
    append(spark.createDataFrame(rows, registry.RUN_COLUMNS).coalesce(1), config, registry.RUNS[kind])


def note_moves(
    spark: SparkSession, config: Config, kind: registry.Kind, moves: list[tuple[str, registry.Reason]]
) -> None:
    """Moves of a pointer, a minute apart, in one commit."""
    rows = [(version, NOW + timedelta(minutes=n), reason, None, kind) for n, (version, reason) in enumerate(moves)]
    append(spark.createDataFrame(rows, registry.POINTER_COLUMNS).coalesce(1), config, registry.POINTER)


@pytest.fixture(scope="module")
def live_and_canary(spark: SparkSession, platform: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A live model and a canary, whole, and then only refused trainings. For all tests of the module: it takes long."""
    config = fresh(platform, tmp_path_factory.mktemp("many"))
    learned = {"rank": 6, "iterations": 3, "regularization": 0.1, "alpha": 7.5, "share": 1.0}
    about = {"alpha": 7.5, "regularization": 0.1, "share": 1.0}
    for version in (FIRST, SECOND):
        rows = spark.createDataFrame([("ann", [("coat", 1.0)])], LISTS).coalesce(1)
        models.save_part(rows, config, models.CANDIDATES, version)
        arrays = {"ids": np.array([b"coat"]), "factors": np.eye(1, dtype=np.float32)}
        model_store(config).factors.write(version, [arrays], about)
    note_runs(spark, config, "als", dict.fromkeys((FIRST, SECOND), "published"), json.dumps(learned))
    models.promote(spark, config, FIRST, "publish")
    models.promote(spark, config, SECOND, share=0.4)
    note_runs(spark, config, "als", dict.fromkeys(LATER, "refused"))
    return config


def test_a_model_is_judged_beside_a_live_one_of_hundreds_of_runs_ago(
    spark: SparkSession, live_and_canary: Config
) -> None:
    found = live_parameters(spark, live_and_canary)
    assert found is not None and (found.rank, found.alpha) == (6, 7.5)


def test_a_live_model_and_a_canary_of_hundreds_of_runs_ago_stay_and_can_be_promoted_and_gone_back_to(
    spark: SparkSession, live_and_canary: Config
) -> None:
    config = live_and_canary
    one = dataclasses.replace(config, als=dataclasses.replace(config.als, keep_versions=1))
    assert models.retire(spark, one) == []
    assert model_store(config).factors.versions() == [FIRST, SECOND]
    assert canary.running(config) == Canary(SECOND, 0.4)
    listed = [run.version for run in registry.runs(spark, config)]
    assert (listed[0], listed[-2:]) == (LATER[-1], [SECOND, FIRST])
    assert models.promote(spark, config, SECOND) == 1
    assert models.rollback(spark, config) == (FIRST, None)


def test_a_model_whose_lists_are_gone_from_the_lake_stops_no_rebuild(
    spark: SparkSession, live_and_canary: Config
) -> None:
    lost = "not restored: model {} has no candidates in the lake: see 'stylestream model list'"
    canary.put(live_and_canary, Canary(SECOND, 0.4))
    for version, said in ((SECOND, f"{FIRST}, 1 users; canary {lost}"), (FIRST, lost)):
        delete_part(spark, live_and_canary, models.CANDIDATES, f"model_version = '{version}'")
        assert rebuild._model(spark, live_and_canary) == said.format(version)
    assert models.live_version(live_and_canary) == FIRST


def test_a_click_through_model_that_was_taken_back_does_not_return_with_a_rebuild_after_hundreds_of_runs(
    spark: SparkSession, config: Config
) -> None:
    waiting = dict.fromkeys(LATER, "retired") | dict.fromkeys(LATER[-2:], "published")
    note_runs(spark, config, "ctr", dict.fromkeys((FIRST, SECOND), "published") | waiting)
    note_moves(spark, config, "ctr", [(FIRST, "publish"), (SECOND, "publish"), (FIRST, "rollback")])
    served = dataclasses.replace(ctr_runs.POINTER, put=lambda *_: "9 surfaces")
    assert pointer.restore(spark, config, served) == f"{FIRST}, 9 surfaces"
    assert ctr_runs.live_version(config) == FIRST
    few = dataclasses.replace(config, ctr=dataclasses.replace(config.ctr, keep_versions=1))
    assert ctr_runs.retire(spark, few) == [LATER[-2], SECOND]


def test_a_history_of_hundreds_of_moves_knows_what_was_live_before(spark: SparkSession, config: Config) -> None:
    tried: list[tuple[str, registry.Reason]] = [(THIRD, "canary"), (THIRD, "canary-over")]
    note_moves(spark, config, "als", [(FIRST, "publish"), (SECOND, "publish"), *tried * MANY])
    history = registry.moves(spark, config)
    assert len(history) == 2 + 2 * MANY
    assert registry.live(spark, config) == SECOND
    assert registry.earlier(history, {FIRST, SECOND}) == FIRST
