"""Which rows of the tables go when somebody is forgotten: to the millisecond, and nobody else's."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch.forget import TABLES, acted_on, forgotten, with_sessions
from common.sources.lake import EVENTS, EXPOSURE_CANDIDATES, QUERY_FACTS, USER_FACTS
from tests.lake_events import event, lake_events

ASKED = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=timezone.utc)
ASKED_MS = 1_772_366_400_250
MS, AHEAD = timedelta(milliseconds=1), timedelta(minutes=5)
IDS = "id string, until_ms bigint, asked boolean"
REQUESTS = "user string, requested_ms bigint, sessions array<string>"


def gone(spark: SparkSession, table: str, rows: list[tuple[Any, ...]], columns: str) -> list[Any]:
    """The first value of the rows that go; ann asked, her session s-ann did not."""
    ids = spark.createDataFrame([("ann", ASKED_MS, True), ("s-ann", ASKED_MS, False)], IDS).alias("x")
    frame = spark.createDataFrame(rows, f"n string, {columns}").alias("t")
    return sorted(row["n"] for row in frame.join(ids, on=F.expr(TABLES[table])).select("t.n").collect())


@pytest.mark.parametrize("table", [USER_FACTS, QUERY_FACTS])
def test_a_minutes_fact_goes_if_it_began_within_five_minutes_of_asking(spark: SparkSession, table: str) -> None:
    rows = [
        ("before", "ann", ASKED),
        ("edge", "ann", ASKED + AHEAD),
        ("after", "ann", ASKED + AHEAD + MS),
        ("session", "s-ann", ASKED),
        ("other", "bob", ASKED),
    ]
    assert gone(spark, table, rows, "user string, window_start timestamp") == ["before", "edge", "session"]


def test_what_was_shown_goes_up_to_the_moment_itself(spark: SparkSession) -> None:
    rows = [("at", "ann", ASKED), ("after", "ann", ASKED + MS), ("other", "bob", ASKED)]
    assert gone(spark, EXPOSURE_CANDIDATES, rows, "user_id string, time timestamp") == ["at"]


@pytest.mark.parametrize(
    ("happened", "arrived", "goes"),
    [
        (0, 0, True),
        (0, 1, True),  # happened by then, came later
        (1, 0, True),  # came by then, from a clock that is ahead
        (1, 1, False),
        (-1, 999, True),
    ],
)
def test_an_event_goes_if_it_happened_or_came_by_then(
    spark: SparkSession, happened: int, arrived: int, goes: bool
) -> None:
    row = ("e", "ann", "s-1", ASKED + happened * MS, ASKED + arrived * MS)
    columns = "user_id string, session_id string, event_time timestamp, ingest_time timestamp"
    assert gone(spark, EVENTS, [row], columns) == (["e"] if goes else [])


def test_a_session_is_one_of_nobody_named(spark: SparkSession) -> None:
    rows = [
        ("anonymous", None, "s-ann", ASKED, ASKED),
        ("bob on her phone", "bob", "s-ann", ASKED, ASKED),
        ("a user called as it", "s-ann", "s-9", ASKED, ASKED),
        ("hers elsewhere", "ann", "s-9", ASKED, ASKED),
        ("nobody's", None, "s-9", ASKED, ASKED),
    ]
    columns = "user_id string, session_id string, event_time timestamp, ingest_time timestamp"
    assert gone(spark, EVENTS, rows, columns) == ["anonymous", "hers elsewhere"]


def test_a_request_covers_named_and_seen_sessions_but_none_that_is_also_a_user(spark: SparkSession) -> None:
    events = lake_events(
        spark,
        [
            event(1, "view", 0, "ann", "i-1", session_id="s-seen"),
            event(2, "view", 0, "ann", "i-1", session_id="bob"),
            event(3, "view", 0, "bob", "i-1", session_id="s-bob"),
            event(4, "view", 0, None, "i-1", session_id="s-named"),
        ],
    )
    requests = spark.createDataFrame([("ann", 5, ["s-named", "bob"]), ("carl", 6, None)], REQUESTS)
    found = {
        row["user"]: row["sessions"] and sorted(row["sessions"]) for row in with_sessions(requests, events).collect()
    }
    assert found == {"ann": ["s-named", "s-seen"], "carl": None}


def test_of_several_requests_the_last_moment_counts_and_who_asked_once_has_asked(spark: SparkSession) -> None:
    requests = spark.createDataFrame([("ann", 5, ["s-1", "bob"]), ("ann", 9, None), ("bob", 7, ["s-1"])], REQUESTS)
    found = {(r["id"], r["until_ms"], r["asked"]) for r in forgotten(requests).collect()}
    assert found == {("ann", 9, True), ("bob", 7, True), ("s-1", 7, False)}


def test_the_items_acted_on_are_those_of_the_forgotten_and_each_once(spark: SparkSession) -> None:
    rows = [
        event(1, "view", 0, "ann", "i-1"),
        event(2, "click", 1, "ann", "i-1"),
        event(3, "search", 1, "ann", None),
        event(4, "view", 0, None, "i-2", session_id="s-ann"),
        event(5, "view", 0, "bob", "i-3", session_id="s-ann"),
    ]
    ids = spark.createDataFrame([("ann", 5, True), ("s-ann", 6, False)], IDS)
    found = [tuple(row) for row in acted_on(lake_events(spark, rows), ids).collect()]
    assert sorted(found) == [("ann", "i-1", 5), ("s-ann", "i-2", 6)]
