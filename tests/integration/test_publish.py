"""Training, publishing, going back and retiring, with a real Redis and a real lake."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
import redis
from pyspark.sql import SparkSession

from batch import canary, models
from batch.als import run
from batch.live import live_parameters
from batch.registry import record, runs
from batch.tables import append
from common.config import Config
from common.errors import StylestreamError
from common.keys import Keys
from common.models.canary import Canary
from common.models.recommender import History, model_store
from common.redis_client import redis_target
from common.sources.lake import read_table
from tests.lake_events import lake_events, planted

PLANTED = planted(3, 25, 12, 7, seed=2)
USERS = sorted({row["user_id"] for row in PLANTED})


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, platform: Config) -> Config:
    """One lake and one prefix for the whole module: training takes seconds."""
    folder = tmp_path_factory.mktemp("publish")
    tuned = replace(platform.als, rank=6, iterations=3, candidates=8, keep_versions=3)
    own = replace(platform.redis, prefix="publish")
    here = {"lake_path": str(folder / "lake"), "checkpoint_path": str(folder / "checkpoints")}
    return replace(platform, als=tuned, redis=own, **here)


@pytest.fixture
def client(config: Config) -> Iterator["redis.Redis"]:
    client = redis_target(config).connect()
    yield client
    client.close()


@pytest.fixture(scope="module")
def trained(spark: SparkSession, config: Config) -> str:
    append(lake_events(spark, PLANTED), config, "events")
    assert run(spark, config).status == "done"
    return models.live_version(config)


def publish_copy(spark: SparkSession, config: Config, of: str, version: str) -> None:
    """A version like `of`, as if trained at another time, published and live."""
    found = next(found for found in runs(spark, config) if found.version == of)
    rows = read_table(spark, config, models.CANDIDATES).where(f"model_version = '{of}'").drop("model_version")
    models.save_part(rows, config, models.CANDIDATES, version)
    record(spark, config, replace(found, version=version, status="published"))
    models.promote(spark, config, version, "publish")


def test_a_trained_model_is_served_whole(config: Config, client: "redis.Redis", trained: str) -> None:
    keys = Keys(config.redis.prefix)
    pairs = {(row["user_id"], row["item_id"].encode()) for row in PLANTED if row["event_type"] == "purchase"}
    assert {(user, item) for user in USERS for item in client.smembers(keys.bought(user))} == pairs
    for user in USERS:
        candidates = orjson.loads(client.get(keys.candidates(trained, user)))
        assert 0 < len(candidates) <= 8
        assert not {(user, item.encode()) for item, _ in candidates} & pairs
        assert client.ttl(keys.candidates(trained, user)) > 13 * 86_400
    long = orjson.loads(client.get(keys.long_term("u1-3")))
    assert list(long["categories"]) == ["i1"]
    assert long["prices"] == [10.0, 10.0, 10.0]


def test_the_run_says_what_it_was_trained_on(spark: SparkSession, config: Config, trained: str) -> None:
    (found,) = [found for found in runs(spark, config) if found.version == trained]
    assert (found.status, found.events_version) == ("published", 0)
    assert orjson.loads(found.parameters)["rank"] == 6
    metrics = orjson.loads(found.metrics)
    assert metrics["lift"] > 1
    assert metrics["users"] == len(USERS)
    assert set(metrics["segments"]["als"]) == {"light"}
    assert metrics["segments"]["popularity"]["light"] == metrics["popularity"]


def test_what_serving_works_out_from_the_arrays_is_what_was_published(
    spark: SparkSession, config: Config, client: "redis.Redis", trained: str
) -> None:
    model = model_store(config).open(trained)
    assert model.ids.tolist() == sorted({row["item_id"].encode() for row in PLANTED})
    keys, as_of = Keys(config.redis.prefix), max(row["event_time"] for row in PLANTED)
    for user in USERS[:5]:
        mine = [row for row in PLANTED if row["user_id"] == user]
        places = model.places([row["item_id"] for row in mine])
        ages = [(as_of - row["event_time"]).total_seconds() / 86_400 for row in mine]
        weights = [config.als.weights[row["event_type"]] for row in mine]
        strengths = np.array([w * 2 ** (-age / 30) for w, age in zip(weights, ages, strict=True)])
        bought = model.places([row["item_id"] for row in mine if row["event_type"] == "purchase"])
        ((best, scores),) = model.best([History(places, strengths, bought)], 8)
        published = orjson.loads(client.get(keys.candidates(trained, user)))
        assert model.names(best) == [item for item, _ in published]
        assert scores.tolist() == pytest.approx([score for _, score in published], abs=1e-4)


def test_a_model_trained_on_shuffled_data_is_refused_and_the_live_one_stays(
    spark: SparkSession, config: Config, client: "redis.Redis", trained: str
) -> None:
    shuffled = replace(config, lake_path=f"{config.lake_path}-shuffled")
    rows = planted(3, 25, 12, 7, seed=2, shuffled=True)
    append(lake_events(spark, rows), shuffled, "events")
    outcome = run(spark, shuffled)
    assert (outcome.status, outcome.exit_code) == ("refused", 10)
    assert "must be at least 1 " in outcome.message
    assert [(found.status, found.events_version) for found in runs(spark, shuffled)] == [("refused", 0)]
    assert not (Path(shuffled.lake_path) / "als_candidates").exists()
    assert models.live_version(config) == trained
    assert not model_store(shuffled).factors.versions()
    keys = Keys(config.redis.prefix)
    pairs = {(row["user_id"], row["item_id"]) for row in rows if row["event_type"] == "purchase"}
    known = {(user, item.decode()) for user in USERS for item in client.smembers(keys.bought(user))}
    assert pairs <= known  # published also where the gate refuses


def test_training_again_compares_with_the_live_models_parameters_and_rolls_back(
    spark: SparkSession, config: Config, client: "redis.Redis", trained: str
) -> None:
    other = replace(config, als=replace(config.als, alpha=3.0, canary_share=0.5))
    assert live_parameters(spark, other) == replace(
        other.als, alpha=config.als.alpha, share=orjson.loads(runs(spark, config)[0].parameters)["share"]
    )
    outcome = run(spark, other)
    newest = runs(spark, config)[0]
    again = newest.version
    assert outcome.message.startswith(f"model {again} is the canary for 50 % of the users, {trained} stays live: ")
    assert newest.status == "published"
    assert (models.live_version(config), canary.running(config)) == (trained, Canary(again, 0.5))
    models.promote(spark, config, again)
    assert (models.live_version(config), canary.running(config)) == (again, None)
    assert "live" in orjson.loads(newest.metrics)
    assert model_store(config).factors.versions() == [trained, again]
    assert models.rollback(spark, config) == (models.live_version(config), None) == (trained, None)
    assert client.exists(Keys(config.redis.prefix).candidates(trained, USERS[0]))


def test_a_reader_never_sees_a_version_half_published(
    spark: SparkSession, config: Config, client: "redis.Redis", trained: str
) -> None:
    keys, missed, stop, seen = Keys(config.redis.prefix), [], threading.Event(), set()

    def read() -> None:
        while not stop.is_set():
            version = client.get(keys.live_model).decode()
            seen.add(version)
            missed.extend(user for user in USERS if not client.exists(keys.candidates(version, user)))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        publish_copy(spark, config, trained, "20990101T000000")
    finally:
        stop.set()
        reader.join()
    assert missed == []
    assert {trained, "20990101T000000"} <= {*seen, models.live_version(config)}


def test_rollback_goes_back_and_promote_restores_what_redis_lost(
    spark: SparkSession, config: Config, client: "redis.Redis", trained: str
) -> None:
    keys = Keys(config.redis.prefix)
    before = models.live_version(config)
    publish_copy(spark, config, trained, "20990201T000000")
    assert models.rollback(spark, config) == (models.live_version(config), None) == (before, None)
    client.delete(*[keys.candidates(trained, user) for user in USERS])
    assert models.promote(spark, config, trained) == len(USERS)
    assert models.live_version(config) == trained
    assert all(client.exists(keys.candidates(trained, user)) for user in USERS)
    with pytest.raises(StylestreamError, match="no kept model 'never'; kept: "):
        models.promote(spark, config, "never")


def test_all_but_the_newest_versions_and_the_live_one_go(
    spark: SparkSession, config: Config, client: "redis.Redis", trained: str
) -> None:
    for day in (1, 2):
        publish_copy(spark, config, trained, f"2099030{day}T000000")
    models.promote(spark, config, trained)
    one = replace(config, als=replace(config.als, keep_versions=1))
    assert "20990301T000000" in models.retire(spark, one)
    kept = {trained, "20990302T000000"}
    table = read_table(spark, config, models.CANDIDATES).select("model_version").distinct()
    assert {row[0] for row in table.collect()} == kept
    assert {key.decode().split(":")[2] for key in client.scan_iter("publish:als:*:u:*")} == kept
    noted = {one.decode() for one in client.smembers(Keys(config.redis.prefix).listed_models)}  # type: ignore[union-attr]
    assert "20990301T000000" not in noted and kept <= noted
    assert {found.version for found in runs(spark, config) if found.status == "published"} == kept
    assert model_store(config).factors.versions() == [trained]
