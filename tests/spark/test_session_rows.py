"""Sessions of the job `sessions` against pandas, and the version it builds against the model built here."""

import random
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from batch.session_build import build, coded
from batch.sessions import sessions
from batch.tables import newest_days
from common.artifacts import Artifacts
from common.config_load import load_config
from common.errors import UnavailableError
from common.models.next_item_fit import fit
from common.models.session_index import LONGEST
from common.models.session_model import SessionModel
from tests.lake_events import START, event, lake_events

CONFIG = load_config(env={}).sessions


def shop(seed: int) -> list[dict[str, object]]:
    """Actions of users with and without session_id, gaps about the limit, repeats, copies and other event types."""
    chance = random.Random(seed)
    rows: list[dict[str, object]] = []
    for user in range(12):
        minute = chance.random() * 100
        for _ in range(chance.choice([3, 20, 90])):
            minute += chance.choice([0.5, 2.0, 29.9, 30.0, 30.1, 300.0])
            kind = chance.choice(["view", "click", "cart_add", "purchase", "exposure"])
            own = {"session_id": None if user % 3 else f"s{user}-{int(minute // 500)}"}
            rows.append(event(len(rows), kind, minute, f"u{user}", chance.choice(["a", "b", "ü", None]), **own))
    return rows + rows[::7]


def expected(rows: list[dict[str, object]]) -> set[tuple[float, tuple[str, ...]]]:
    """By pandas: gap, repeats, the newest `LONGEST`."""
    frame = pd.DataFrame(rows).drop_duplicates("event_id")
    frame = frame[frame.event_type.isin(CONFIG.actions) & frame.item_id.notna()]
    frame["order"] = list(zip(frame.event_time, frame.event_id, strict=True))
    frame = frame.sort_values("order")
    later = frame.groupby("user_id").event_time.diff() > timedelta(minutes=CONFIG.gap_minutes)
    number = later.groupby(frame.user_id).cumsum().astype(str)
    frame["session"] = frame.session_id.fillna(frame.user_id + "#" + number)
    found = set()
    for _, part in frame.groupby("session"):
        changed = part[part.item_id != part.item_id.shift()].tail(LONGEST)
        if len(changed) > 1:
            found.add((changed.event_time.max().timestamp(), tuple(changed.item_id)))
    return found


def test_sessions_are_those_that_pandas_finds(spark: SparkSession) -> None:
    rows = shop(3)
    found = sessions(lake_events(spark, rows), CONFIG).collect()
    assert {(row["time"], tuple(row["items"])) for row in found} == expected(rows)
    assert len(found) == len({row["session"] for row in found}) > 20


def test_sessions_of_one_person_stay_apart_whether_they_begin_before_the_login_or_not(spark: SparkSession) -> None:
    rows = [event(n, "view", n, None if n == 0 else "u", f"i{n}", session_id=f"s{n // 2}") for n in range(4)]
    found = {tuple(row["items"]) for row in sessions(lake_events(spark, rows), CONFIG).collect()}
    assert found == {("i0", "i1"), ("i2", "i3")}


def test_only_the_days_before_the_newest_event_count(spark: SparkSession) -> None:
    day = 24 * 60
    events = lake_events(spark, [event(n, "view", n * day, "u", "a") for n in range(5)])
    kept = [row["event_time"] for row in newest_days(events, 2).orderBy("event_time").collect()]
    assert [moment.day for moment in kept] == [(START + timedelta(days=n)).day for n in (3, 4)]


def test_a_version_answers_as_the_model_it_was_made_of(tmp_path: Path) -> None:
    chance = random.Random(1)
    lists = [[f"i{chance.randrange(30)}" for _ in range(chance.randint(2, 6))] for _ in range(400)]
    table = pa.table({"time": np.arange(400.0), "items": pa.array(lists, pa.list_(pa.string()))})
    store = Artifacts(str(tmp_path), "sessions", str(tmp_path / "cache"))
    (figures,) = build(iter(table.to_batches(max_chunksize=90)), store, "1", {"events_version": 7}, CONFIG)
    assert figures.to_pylist()[0]["sessions"] == 400
    version = store.open("1")
    assert version.about["events_version"] == 7
    mapped = SessionModel.of("1", version.arrays)
    made, names = coded(table)
    assert [name.decode() for name in names] == sorted({item for part in lists for item in part})
    assert made.offsets.tolist() == [0, *np.cumsum([len(part) for part in lists]).tolist()]
    direct = SessionModel("direct", (model := fit(made)).index, model.weights, names)
    for seen in (["i1"], ["i2", "i3"], ["unheard", "i4"], []):
        assert mapped.candidates(seen, 10).items == direct.candidates(seen, 10).items
    with pytest.raises(UnavailableError, match="another release's"):
        SessionModel.of("1", {**version.arrays, "ranking": version.arrays["ranking"][1:]})
    answer = mapped.candidates(["i2", "i3"], 10, explain=True)
    assert [round(sum(parts.values()), 9) for parts in answer.reasons] == [round(s, 9) for _, s in answer.items]


def test_without_a_session_nothing_is_written(tmp_path: Path) -> None:
    store = Artifacts(str(tmp_path), "sessions", str(tmp_path / "cache"))
    assert list(build(iter([]), store, "1", {}, CONFIG)) == []
    assert store.versions() == []
