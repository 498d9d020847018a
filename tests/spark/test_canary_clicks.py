"""Click-through by version, against exposures counted by hand."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pyspark.sql import SparkSession

from batch.canary_clicks import click_through
from common.config_load import load_config
from tests.lake_events import START, event, lake_events

CTR = replace(load_config(env={}).ctr, window_minutes=30, days=2, actions=["click", "purchase"])
ANSWERS = (
    "time timestamp, surface string, user_id string, versions map<string,string>,"
    " items array<struct<item_id: string, position: int>>"
)
MINUTE_MS, DAY = 60_000, 1440.0


def answer(minute: float, user: str, version: str | None, *items: str, surface: str = "for-you") -> tuple[Any, ...]:
    offered = [(item, n) for n, item in enumerate(items)]
    return START + timedelta(minutes=minute), surface, user, {"als": version}, offered


def shown(number: int, minute: float, user: str, item: str, surface: str | None = "for-you") -> dict[str, Any]:
    return event(number, "exposure", minute, user, item) | {"surface": surface}


def act(number: int, kind: str, minute: float, user: str, item: str, surface: str | None = None) -> dict[str, Any]:
    return event(number, kind, minute, user, item) | {"surface": surface}


def test_exposures_count_for_the_version_that_answered_last_and_clicks_within_the_window(spark: SparkSession) -> None:
    t = 2 * DAY
    answers = [
        answer(t, "ann", "old", "coat", "hat"),
        answer(t + 5, "ann", "new", "coat"),
        answer(t, "bob", "old", "coat", "hat"),
        answer(t, "cyd", None, "coat"),
        answer(t, "dan", "new", "coat", surface="now"),
        answer(0, "eve", "old", "coat"),
        answer(t + 1 + 0.6 / 60, "fay", "new", "coat"),
    ]
    events = [
        shown(1, t + 1, "ann", "coat"),  # old, clicked before the next one: see 11
        shown(2, t + 6, "ann", "coat"),  # new, clicked
        shown(2, t + 6, "ann", "coat"),  # sent again
        shown(3, t + 1, "ann", "hat"),  # old; the click named another surface
        shown(4, t + 1, "bob", "coat"),  # old; clicked too late
        shown(5, t + 1, "bob", "hat"),  # old; bought, and clicked twice
        shown(6, t + 31, "bob", "hat"),  # the answer is too old
        shown(7, t + 1, "cyd", "coat"),  # no model answered
        shown(8, t + 1, "dan", "coat"),  # offered elsewhere
        shown(9, 1, "eve", "coat"),  # before it is counted
        shown(19, t + 1, "fay", "coat"),  # the shop sends whole seconds
        shown(10, t + 1, "bob", "coat", surface="now"),
        act(11, "click", t + 7, "ann", "coat"),
        act(12, "click", t + 7, "ann", "hat", surface="search"),
        act(13, "click", t + 32, "bob", "coat"),
        act(14, "purchase", t + 2, "bob", "hat", surface="for-you"),
        act(15, "click", t + 3, "bob", "hat"),
        act(16, "click", t + 4, "bob", "hat"),
        shown(17, t + 50, "bob", "coat"),  # its window is not over
        act(18, "view", t + 70, "bob", "coat"),
    ]
    lake = lake_events(spark, events)
    since_ms = int(START.timestamp() * 1000) + int(DAY) * MINUTE_MS
    rows = click_through(lake, spark.createDataFrame(answers, ANSWERS), CTR, since_ms).collect()
    assert {row["version"]: (row["exposures"], row["clicked"]) for row in rows} == {"old": (4, 2), "new": (2, 1)}
