"""The model on planted tastes: it finds them and beats popularity (that the gate refuses data without any:
tests/integration/test_publish.py)."""

import uuid
from dataclasses import replace
from math import isfinite
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from batch.als import run
from batch.evaluate import split_by_time
from batch.factors import fit, index, item_factors, user_factors
from batch.held_out import hold_out, known_users
from batch.interactions import actions, interactions
from batch.live import working_store
from batch.recommend import histories, recommend
from batch.registry import runs
from batch.tables import append
from batch.training import train
from batch.trial import trial
from common.config import Config
from common.config_load import load_config
from common.config_models import AlsConfig, ItemItemConfig
from common.keys import Keys
from common.models.recommender import ModelStore
from common.redis_client import redis_target
from tests.lake_events import START, event, lake_events, planted

NOW = int(START.timestamp() * 1000)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = load_config()
    als = replace(config.als, rank=6, iterations=4, candidates=8, item_item=ItemItemConfig(20, 5.0))
    return replace(config, als=als, lake_path=str(tmp_path / "lake"), checkpoint_path=str(tmp_path / "checkpoints"))


@pytest.fixture
def als(config: Config) -> AlsConfig:
    return config.als


@pytest.fixture
def store(config: Config) -> ModelStore:
    return working_store(config)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_recommendations_stay_in_the_planted_group(
    spark: SparkSession, als: AlsConfig, store: ModelStore, share: float
) -> None:
    rows = actions(lake_events(spark, planted(3, 15, 12, 7, seed=1)), als.weights)
    data = index(interactions(rows, als.half_life_days, NOW))
    trained = train(data, replace(als, share=share), store, "1")
    nothing = spark.createDataFrame([], "user string, item_index int")
    given = histories(data.rows, nothing)
    lists = {row.user: row["items"] for row in recommend(given, store, "1", 8).collect()}
    assert len(lists) == 45
    right = [item.item.split("-")[0][1:] == user.split("-")[0][1:] for user, row in lists.items() for item in row]
    assert len(right) == 45 * 8
    assert sum(right) / len(right) > 0.95
    assert all(row == sorted(row, key=lambda entry: -entry.score) for row in lists.values())
    assert {row.user for row in user_factors(trained.model, data).collect()} == set(lists)
    assert item_factors(trained.model, data).count() == 36
    assert (trained.weights is None) == (share == 1)
    data.release()


def test_a_shop_smaller_than_the_rank_trains_beside_actions_of_long_ago(spark: SparkSession, als: AlsConfig) -> None:
    shop = planted(2, 30, 11, 7, seed=4)
    old = [event(9000 + n, "view", -200 * 30 * 1440, "old", f"i0-{n}") for n in range(3)]  # 200 half-lives
    rows = actions(lake_events(spark, [*shop, *old]), als.weights)
    data = index(interactions(rows, 30.0, NOW))
    assert data.items_number == 22
    model = fit(data, replace(als, rank=32, half_life_days=30.0))
    factors = {row.user: row.features for row in user_factors(model, data).collect()}
    assert len(factors) == 60 and "old" not in factors
    assert all(isfinite(number) for features in factors.values() for number in features)
    data.release()


def test_excluded_items_make_room_for_the_next_best(spark: SparkSession, als: AlsConfig, store: ModelStore) -> None:
    rows = actions(lake_events(spark, planted(3, 15, 12, 7, seed=1)), als.weights)
    data = index(interactions(rows, als.half_life_days, NOW))
    train(data, als, store, "1").release()

    def best(excluded: list[int], n: int) -> list[str]:
        left_out = spark.createDataFrame([("u0-1", place) for place in excluded], "user string, item_index int")
        given = histories(data.rows.where("user = 'u0-1'"), left_out)
        (row,) = recommend(given, store, "1", n).collect()
        return [entry.item for entry in row["items"]]

    places = {row["id"]: row["index"] for row in data.items.collect()}
    first = best([], 6)
    assert best([places[first[0]], places[first[2]]], 4) == [first[1], *first[3:]]
    data.release()


def test_planted_tastes_beat_popularity(spark: SparkSession, als: AlsConfig, store: ModelStore) -> None:
    rows = actions(lake_events(spark, planted(3, 25, 12, 7, seed=2)), als.weights)
    held = hold_out(*split_by_time(rows, als.test_fraction), als, NOW)
    found = trial(held, als, store)
    held.release()
    assert known_users(found.als).users >= 20
    assert {name: part.users for name, part in found.als.items()} == {
        name: part.users for name, part in found.popularity.items()
    }
    assert found.lift > 1.5
    assert found.refusal(1.0, 0.95) == ""


@pytest.fixture
def served(config: Config, platform: Config) -> Config:
    redis = replace(platform.redis, prefix=f"als-{uuid.uuid4().hex}")
    return replace(config, state_dir=platform.state_dir, redis=redis)


def bought(config: Config, user: str) -> set[str]:
    with redis_target(config).connect() as client:
        found = client.smembers(Keys(config.redis.prefix).bought(user))
    return {item.decode() for item in found}  # type: ignore[union-attr]


def test_too_little_data_is_said_and_leaves_no_run(spark: SparkSession, served: Config) -> None:
    config = served
    assert run(spark, config).message == "not trained: 0 interactions in the lake"
    append(lake_events(spark, [event(1, "search", 0, "ann", None)]), config, "events")
    assert "0 interactions in the lake" in run(spark, config).message
    append(lake_events(spark, [event(2, "view", 0, "ann", "coat")]), config, "events")
    outcome = run(spark, config)
    assert (outcome.exit_code, runs(spark, config)) == (11, [])
    assert "1 interactions of 1 users with 1 items" in outcome.message
    append(lake_events(spark, [event(3, "purchase", 0, "ann", "hat")]), config, "events")
    assert (run(spark, config).exit_code, bought(config, "ann")) == (11, {"hat"})
