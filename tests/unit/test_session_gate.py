"""The gate of the session index: real sessions pass, shuffled ones do not, nor does what the live one does better."""

import dataclasses
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from batch.session_build import build
from batch.session_gate import judge, refusal, z
from common.artifacts import Artifacts, Version
from common.config_load import load_config
from common.models.next_item import SIGNALS
from common.models.next_item_fit import Asked, Judged

CONFIG = load_config(env={}).sessions


def past(shuffled: bool, first: float = 0.0, sessions: int = 1300, groups: int = 40) -> pa.Table:
    """Sessions of three of the six items of one group each; `shuffled` deals all items out again at random."""
    chance = np.random.default_rng(5)
    items = np.concatenate([n % groups * 6 + chance.choice(6, 3, replace=False) for n in range(sessions)])
    if shuffled:
        chance.shuffle(items)
    lists = np.array([f"i{item}" for item in items]).reshape(sessions, 3).tolist()
    return pa.table({"time": first + np.arange(float(sessions)), "items": pa.array(lists, pa.list_(pa.string()))})


def made(store: Artifacts, version: str, table: pa.Table, live: str = "") -> dict[str, Any]:
    (figures,) = build(iter(table.to_batches()), store, version, {}, CONFIG, live)
    row = figures.to_pylist()[0]
    return orjson.loads(row["metrics"]) | {"refusal": row["refusal"]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """With the version "real"."""
    folder = tmp_path_factory.mktemp("gate")
    found = Artifacts(str(folder), "sessions", str(folder / "cache"))
    real = made(found, "real", past(False))
    assert real["refusal"] == ""
    assert real["recall"] > 0.9 > 0.3 > real["popularity"]
    return found


@pytest.mark.parametrize("live, first, asked", [("", 0, "-"), ("real", 0, "its weights"), ("real", 2000, "itself")])
def test_shuffled_sessions_are_refused_with_and_without_a_live_index(
    store: Artifacts, live: str, first: float, asked: str
) -> None:
    found = made(store, "shuffled", past(True, first), live)
    assert "(sessions.min_z_over_popularity)" in found["refusal"]
    assert abs(found["z"]) < CONFIG.min_z_over_popularity
    assert found["live_asked"] == asked
    assert store.versions() == ["real"]


def test_real_sessions_pass_beside_a_live_index_of_the_same(store: Artifacts) -> None:
    later = made(store, "later", past(False, 2000.0), "real")
    assert (later["refusal"], later["live_asked"]) == ("", "itself")
    assert later["live"] > 0.9
    store.remove("later")


def test_too_few_questions_pass_unless_the_live_index_was_judged(store: Artifacts) -> None:
    few = past(False, sessions=300)
    assert made(store, "few", few, "vanished")["refusal"] == ""
    assert made(store, "fewer", few, "few")["refusal"] == ""
    assert "fewer than 200 questions" in made(store, "fewest", few, "real")["refusal"]
    for version in ("few", "fewer"):
        store.remove(version)


def hits(*counts: tuple[int, bool]) -> np.ndarray:
    return np.concatenate([np.full(n, value) for n, value in counts])


def test_z_is_mcnemars_and_noise_beside_the_live_one_is_let_pass() -> None:
    ours, popular = hits((40, True), (160, False)), hits((30, False), (20, True), (150, False))
    assert z(ours, popular) == pytest.approx((30 - 10) / np.sqrt(40))
    assert refusal(ours, popular, None, CONFIG) == ""
    slightly = hits((44, True), (156, False))  # 40 is less than 0.95 of that, but four questions are noise
    assert refusal(ours, popular, slightly, CONFIG) == ""
    much = hits((90, True), (110, False))
    assert "must be at least 0.95 times that (sessions.min_recall_to_live)" in refusal(ours, popular, much, CONFIG)
    lenient = dataclasses.replace(CONFIG, min_recall_to_live=0.0)
    assert refusal(ours, popular, much, lenient) == ""
    all_of_them = hits((200, True))  # no more items than the list has
    assert refusal(all_of_them, all_of_them, None, CONFIG) == ""


def test_the_rivals_answers_are_what_the_live_index_is_compared_by_where_it_knows_the_questions() -> None:
    asked = Asked([np.array([0])] * 200, np.ones(200, int))
    judged = Judged(asked, 10.0, hits((100, True), (100, False)), hits((200, False)), hits((200, True)))
    live = Version("live", {"ranking": np.ones(len(SIGNALS))}, {"until": 20.0, "questions": 9})
    verdict = judge(judged, np.array([b"a", b"b"]), live, CONFIG)
    assert (verdict.metrics["live"], verdict.metrics["live_asked"]) == (1.0, "its weights")
    assert "of the live one 1.0000" in verdict.refusal
