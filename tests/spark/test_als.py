"""The model on planted tastes: it finds them, beats popularity, and the gate refuses data without any."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from batch.als import run
from batch.factors import candidate_lists, fit, item_factors, recommend, user_factors
from batch.interactions import actions, interactions
from batch.registry import Reason, lived, runs
from batch.tables import append
from batch.trial import trial
from common.config import AlsConfig, Config
from common.config_load import load_config
from tests.lake_events import START, event, lake_events, planted

NOW = int(START.timestamp() * 1000)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = load_config()
    als = replace(config.als, rank=6, iterations=4, candidates=8)
    return replace(config, als=als, lake_path=str(tmp_path / "lake"), checkpoint_path=str(tmp_path / "checkpoints"))


@pytest.fixture
def als(config: Config) -> AlsConfig:
    return config.als


def test_candidates_stay_in_the_planted_group(spark: SparkSession, als: AlsConfig) -> None:
    rows = actions(lake_events(spark, planted(3, 15, 12, 7, seed=1)), als.weights)
    trained = fit(interactions(rows, als.half_life_days, NOW), als)
    nobody = spark.createDataFrame([], "user string, item string")
    lists = {row.user: row["items"] for row in candidate_lists(recommend(trained, 8), nobody, 8).collect()}
    assert len(lists) == 45
    right = [item.item.split("-")[0][1:] == user.split("-")[0][1:] for user, row in lists.items() for item in row]
    assert len(right) == 45 * 8
    assert sum(right) / len(right) > 0.95
    assert all(row == sorted(row, key=lambda entry: -entry.score) for row in lists.values())
    assert {row.user for row in user_factors(trained).collect()} == set(lists)
    assert item_factors(trained).count() == 36
    trained.release()


def test_excluded_items_make_room_for_the_next_best(spark: SparkSession) -> None:
    scored = spark.createDataFrame(
        [("a", f"i{n}", 1 - n / 10) for n in range(5)], "user string, item string, score double"
    )
    bought = spark.createDataFrame([("a", "i0"), ("a", "i2")], "user string, item string")
    (row,) = candidate_lists(scored, bought, 2).collect()
    assert [entry.item for entry in row["items"]] == ["i1", "i3"]


def test_planted_tastes_beat_popularity_and_shuffled_ones_are_refused(spark: SparkSession, als: AlsConfig) -> None:
    with_taste = actions(lake_events(spark, planted(3, 25, 12, 7, seed=2)), als.weights)
    found = trial(with_taste, als, NOW)
    assert found.als.users >= 20
    assert found.als.users == found.popularity.users
    assert found.lift > 1.5
    assert found.refusal(1.0) == ""
    without = trial(actions(lake_events(spark, planted(3, 25, 12, 7, seed=2, shuffled=True)), als.weights), als, NOW)
    assert without.als.ndcg < found.als.ndcg / 2
    assert "must be at least 1 " in without.refusal(1.0)


def test_a_refused_model_is_recorded_and_nothing_else(spark: SparkSession, config: Config) -> None:
    append(lake_events(spark, planted(3, 25, 12, 7, seed=3, shuffled=True)), config, "events")
    outcome = run(spark, config)
    assert (outcome.status, outcome.exit_code) == ("refused", 10)
    assert [(found.status, found.events_version) for found in runs(spark, config)] == [("refused", 0)]
    assert not (Path(config.lake_path) / "als_candidates").exists()


def test_too_little_data_is_said_and_leaves_no_run(spark: SparkSession, config: Config) -> None:
    assert run(spark, config).message == "not trained: 0 interactions in the lake"
    append(lake_events(spark, [event(1, "search", 0, "ann", None)]), config, "events")
    assert "0 interactions in the lake" in run(spark, config).message
    append(lake_events(spark, [event(2, "view", 0, "ann", "coat")]), config, "events")
    outcome = run(spark, config)
    assert (outcome.exit_code, runs(spark, config)) == (11, [])
    assert "1 interactions of 1 users with 1 items" in outcome.message


def test_rollbacks_go_back_one_by_one() -> None:
    history: list[tuple[str, Reason]] = [("a", "publish"), ("b", "publish"), ("c", "publish")]
    assert lived(history) == ["a", "b", "c"]
    assert lived([*history, ("b", "rollback")]) == ["a", "b"]
    assert lived([*history, ("b", "rollback"), ("a", "rollback")]) == ["a"]
    assert lived([*history, ("a", "promote"), ("c", "rollback")]) == ["a", "b", "c"]
