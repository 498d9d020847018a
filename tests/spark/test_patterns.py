"""Long-term patterns and last items against pandas."""

import random
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from batch.patterns import ACTIONS, LAST, last_items, patterns, until
from tests.lake_events import START, event, lake_events

FIRST_MS = int(START.timestamp() * 1000)


def shop(seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for user in range(5):
        minute: float = chance.randrange(60)
        for _ in range(200):
            minute += chance.choice([0.0, 0.5, 2.0, 29.9, 30.0, 30.1, 300.0])
            row = event(len(rows), chance.choice(ACTIONS), minute, f"u{user}", f"i{chance.randrange(60)}")
            rows.append(row | {"device": chance.choice([None, "mobile", "app"])})
    return rows


def expected(frame: pd.DataFrame, until_ms: int) -> dict[str, Any]:
    """Of one user's rows in order of time."""
    early = frame[frame.ms < until_ms]
    gap = early.ms.diff()
    named = frame[frame.device.notna()].sort_values(["ms", "event_id"], ascending=[False, True])
    return {
        "visits": int(1 + (gap > 1_800_000).sum()),
        "visit_ms": int(gap[gap <= 1_800_000].sum()),
        "last_ms": int(early.ms.max()),
        "hours": [int((early.ms // 3_600_000 % 24 == hour).sum()) for hour in range(24)],
        "counts": [int((early.event_type == kind).sum()) for kind in ACTIONS],
        "device": named.device.iloc[0],
        "device_ms": int(named.ms.iloc[0]),
    }


def listed(frame: pd.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """The newest items of each list; a wish stands while nothing newer takes it off."""
    of = {"viewed": ["view", "click", "cart_add", "wish_add"], "carted": ["cart_add"], "bought": ["purchase"]}
    found = {name: frame[frame.event_type.isin(kinds)] for name, kinds in of.items()}
    wishes = frame[frame.event_type.isin(["wish_add", "wish_remove"])].sort_values(["ms", "event_type"])
    newest = wishes.groupby("item_id").tail(1)
    found["wished"] = newest[newest.event_type == "wish_add"]
    lists = {}
    for name, rows in found.items():
        times = rows.groupby("item_id").ms.max().reset_index().sort_values(["ms", "item_id"], ascending=[False, True])
        lists[name] = [(item, int(ms)) for item, ms in times.head(LAST).itertuples(index=False)]
    return lists


def test_patterns_and_last_items_are_those_that_pandas_finds(spark: SparkSession) -> None:
    rows = shop(4)
    frame = pd.DataFrame(rows).assign(ms=[round(row["event_time"].timestamp() * 1000) for row in rows])
    until_ms = until(int(frame.ms.max()) - 86_400_000)
    devices = spark.createDataFrame([(r["event_id"], r["device"]) for r in rows], "event_id string, device string")
    events = lake_events(spark, rows).withColumnRenamed("user_id", "user").join(devices, "event_id")
    found = {r["user"]: r["pattern"].asDict(recursive=True) for r in patterns(events, until_ms).collect()}
    assert found == {user: expected(part, until_ms) for user, part in frame.groupby("user_id")}
    last = last_items(events).collect()
    for row in last:
        own = listed(frame[frame.user_id == row["user"]])
        for name, items in own.items():
            assert [(one["item"], one["ms"]) for one in row["last"] if one["list"] == name] == items
    assert len(last) == len(found) == 5


def test_nothing_before_t_is_no_visit_and_a_lake_without_devices_has_none(spark: SparkSession) -> None:
    events = lake_events(spark, [event(1, "view", 0, "u", "i")]).withColumnRenamed("user_id", "user")
    row = patterns(events, FIRST_MS).collect()[0]["pattern"]
    assert (row["visits"], row["visit_ms"], row["last_ms"], sum(row["counts"]), row["device"]) == (0, 0, None, 0, None)
