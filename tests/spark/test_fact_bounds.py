"""Edges of the batch facts: T, how far back a merge writes, copies across midnight, the cap, who is light."""

import dataclasses
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch import facts, held_out
from common.config import Config, RankingConfig
from common.config_load import load_config
from common.schemas import ITEM_MEASURES, USER_FACTS
from common.views.caps import excess
from tests.lake_events import START, event, lake_events

CONFIG = load_config(env={})
FIRST = int(START.timestamp()) // 60  # a minute at which a day begins
AHEAD = timedelta(minutes=5)


def with_rankings(**changes: Any) -> Config:
    return dataclasses.replace(CONFIG, rankings=dataclasses.replace(CONFIG.rankings, **changes))


@pytest.mark.parametrize(
    ("watermark", "second", "horizon"),
    [
        ("10 minutes", 20 * 60, 10),
        ("10 minutes", 20 * 60 - 1, 0),  # a second before T would be the next segment's
        ("10 minutes", 30 * 60 - 1, 10),
        ("10 minutes", 30 * 60, 20),
        ("90 seconds", 21 * 60 + 29, 10),
        ("90 seconds", 21 * 60 + 30, 20),
        ("0 seconds", 10 * 60, 10),
    ],
)
def test_t_is_the_newest_event_less_the_watermark_rounded_down_to_a_segment(
    spark: SparkSession, watermark: str, second: int, horizon: int
) -> None:
    config = dataclasses.replace(CONFIG, streaming=dataclasses.replace(CONFIG.streaming, watermark=watermark))
    assert config.rankings.segment_minutes == 10
    events = lake_events(spark, [event(1, "view", 0, "ann", "i"), event(2, "view", second / 60, "ann", "i")])
    assert facts.horizon_minute(events, config) == FIRST + horizon
    assert facts.horizon_minute(events.where("false"), config) is None


def test_a_merge_reaches_back_over_the_longest_window_and_one_segment() -> None:
    windows = [RankingConfig(f"w{n}", "window", n, {"view": 1}) for n in (60, 180, 120)]
    decay = RankingConfig("d", "decay", 9_999, {"view": 1})
    assert facts._stale_minutes(with_rankings(definitions=[*windows, decay], segment_minutes=7)) == 187
    assert facts._stale_minutes(with_rankings(definitions=[decay], segment_minutes=7)) == 7


def test_a_copy_timed_in_the_last_five_minutes_of_the_date_before_is_the_one_that_counts(spark: SparkSession) -> None:
    midnight = START + timedelta(days=1)

    def copies(name: str, before: timedelta) -> list[dict[str, Any]]:
        """The first copy is timed `before` midnight, the second after it."""
        times = midnight - before, midnight + timedelta(seconds=1)
        return [
            event(n, "view", 0, "ann", name, event_time=at, ingest_time=at, date=at.date()) | {"event_id": name}
            for n, at in enumerate(times)
        ]

    second = timedelta(seconds=1)
    rows = [*copies("inside", second), *copies("edge", AHEAD), *copies("beyond", AHEAD + second)]
    own = event(9, "view", 0, "ann", "own") | {"event_time": midnight, "ingest_time": midnight, "date": midnight.date()}
    events = lake_events(spark, [*rows, own])
    day, before = f"{midnight.date()}", f"{START.date()}"
    counted = {(r["item_id"], f"{r['date']}") for r in facts.once_on(events, [day]).collect()}
    # a copy can be timed five minutes from another at most: what is older is not looked at
    assert counted == {("inside", before), ("edge", before), ("beyond", day), ("own", day)}
    both = {(r["item_id"], f"{r['date']}") for r in facts.once_on(events, [day, before]).collect()}
    assert both == {("inside", before), ("edge", before), ("beyond", before), ("own", day)}
    assert {r["item_id"] for r in facts.once_on(events, [before]).collect()} == {"inside", "edge", "beyond"}


def taken(spark: SparkSession, views: dict[int, int], per_user: int) -> dict[int, int]:
    """Minute → views taken off, of one person on one item."""
    rows = []
    for minute, n in views.items():
        at = datetime.fromtimestamp((FIRST + minute) * 60, timezone.utc)
        values = dict.fromkeys(USER_FACTS.fieldNames()) | dict.fromkeys(ITEM_MEASURES, 0)
        values |= {"user": "ann", "category": "c", "item_id": "i", "window_start": at, "views": n}
        rows.append(tuple(values.get(name) or (0 if name.endswith("s") else None) for name in USER_FACTS.fieldNames()))
    found = excess(spark.createDataFrame(rows, USER_FACTS), per_user)
    minute = F.unix_seconds("window_start") / 60
    return {int(r["minute"]) - FIRST: r["views"] for r in found.select(minute.alias("minute"), "views").collect()}


def test_a_cap_takes_off_what_is_over_it_to_the_last_view(spark: SparkSession) -> None:
    assert taken(spark, {0: 4}, 5) == taken(spark, {0: 5}, 5) == {}
    assert taken(spark, {0: 6}, 5) == {0: -1}
    assert taken(spark, {0: 3, 1: 2}, 5) == {}
    assert taken(spark, {0: 3, 1: 3}, 5) == {1: -1}
    assert taken(spark, {0: 4, 1: 2}, 5) == {1: -1}
    assert taken(spark, {0: 5, 1: 2, 2: 3}, 5) == {1: -2, 2: -3}  # nothing is left, not one
    assert taken(spark, {0: 9, 1: 1, 2: 2}, 5) == {0: -4, 2: -2}  # once in a minute is no burst


def test_a_cap_begins_anew_with_the_hour_of_the_clock(spark: SparkSession) -> None:
    assert taken(spark, {58: 4, 59: 4, 60: 4, 61: 4}, 5) == {59: -3, 61: -3}


def test_ten_items_are_light_eleven_heavy_and_above_the_most_nobody_is_judged(spark: SparkSession) -> None:
    had = {"nine": 9, "ten": 10, "eleven": 11, "most": 15, "above": 16}
    rows = spark.createDataFrame([(user, n) for user, most in had.items() for n in range(most)], "user string, n int")
    found = {row["user"]: row["segment"] for row in held_out.segments(rows, 15).collect()}
    assert found == {"nine": "light", "ten": "light", "eleven": "heavy", "most": "heavy"}
    assert {row["user"] for row in held_out.segments(rows).collect()} == set(had)


def test_of_a_new_user_the_first_half_is_given_and_the_rest_asked_for(spark: SparkSession) -> None:
    rows = [
        event(n, "view", n, user, f"i{n % 5}") for user, most in (("a", 1), ("b", 2), ("c", 5)) for n in range(most)
    ]
    rows.append(event(9, "view", 9, "b", "i0"))  # seen again later: it stays in the first half
    frame = lake_events(spark, rows).selectExpr("user_id as user", "item_id as item", "event_time")
    first, rest = ({(r["user"], r["item"]) for r in part.collect()} for part in held_out._halves(frame))
    assert first == {("b", "i0"), ("c", "i0"), ("c", "i1")}
    assert rest == {("a", "i0"), ("b", "i1"), ("c", "i2"), ("c", "i3"), ("c", "i4")}


def test_as_many_users_a_segment_are_judged_as_may_be(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "MAX_EVALUATED", 3)
    sizes = {"light": 2, "heavy": 3, "new": 4}
    asked = [
        (f"{segment}{n}", f"i{i}", segment) for segment, most in sizes.items() for n in range(most) for i in (1, 2)
    ]
    chosen = held_out._chosen(spark.createDataFrame(asked, "user string, item string, segment string")).collect()
    users = [row["user"] for row in chosen]
    assert len(users) == len(set(users)) == 2 + 3 + 3
    assert sum(user.startswith("new") for user in users) == 3
