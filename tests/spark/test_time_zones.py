"""Dates are the same wherever the driver's Python and its JVM stand."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from batch.ctr import recent
from batch.tables import newest_days, newest_time
from tests.lake_events import START, event, lake_events

PLACES = [("UTC", "UTC"), ("Asia/Seoul", "Asia/Seoul"), ("Asia/Seoul", "UTC"), ("America/St_Johns", "Asia/Seoul")]


@contextmanager
def standing(spark: SparkSession, python: str, jvm: str) -> Iterator[None]:
    """Python and the JVM in these zones, as a driver has them of its machine and of its options."""
    zones: Any = spark._jvm.java.util.TimeZone  # type: ignore[union-attr]
    before, of_jvm = os.environ["TZ"], zones.getDefault()
    os.environ["TZ"] = python
    time.tzset()
    zones.setDefault(zones.getTimeZone(jvm))
    try:
        yield
    finally:
        zones.setDefault(of_jvm)
        os.environ["TZ"] = before
        time.tzset()


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_the_newest_days_are_whole_to_the_hour_wherever_the_job_runs(
    spark: SparkSession, place: tuple[str, str]
) -> None:
    """The newest event is of 15:00 UTC: a day before that is the next date in Seoul already."""
    events = lake_events(spark, [event(hour, "view", hour * 60, "ann", "coat") for hour in range(64)])
    with standing(spark, *place):
        newest, days, of_ctr = newest_time(events), newest_days(events, 1).collect(), recent(events, 1).collect()
    assert newest == START + timedelta(hours=63)
    assert sorted(int(row["event_id"][1:]) for row in days) == list(range(40, 64))
    assert sorted(int(row["event_id"][1:]) for row in of_ctr) == list(range(15, 64))  # and the day before
