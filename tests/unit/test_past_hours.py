"""A minute's hour in the shop's day, wherever the shop is."""

import dataclasses
from datetime import datetime, timezone

import pytest

from common.config import Config
from common.config_load import load_config
from serving.past import hour_of

REFERENCE = load_config(env={})


def shop_in(time_zone: str) -> Config:
    corrections = dataclasses.replace(REFERENCE.rankings.corrections, time_zone=time_zone)
    return dataclasses.replace(REFERENCE, rankings=dataclasses.replace(REFERENCE.rankings, corrections=corrections))


def minute(text: str) -> int:
    """The epoch minute of a UTC time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()) // 60


@pytest.mark.parametrize("hour", range(24))
def test_an_hour_begins_with_its_first_minute_and_ends_with_its_last(hour: int) -> None:
    begins = minute(f"2026-03-03T{hour:02}:00")
    found = [hour_of(shop_in("UTC"), begins + after) for after in (-1, 0, 59, 60)]
    assert found == [(hour - 1) % 24, hour, hour, (hour + 1) % 24]


@pytest.mark.parametrize(
    ("time_zone", "utc", "hour"),
    [
        ("Asia/Seoul", "2026-03-03T14:59", 23),
        ("Asia/Seoul", "2026-03-03T15:00", 0),
        ("Asia/Kolkata", "2026-03-03T00:29", 5),  # half an hour off
        ("Asia/Kolkata", "2026-03-03T00:30", 6),
        ("America/New_York", "2026-03-03T04:59", 23),
        ("Europe/Berlin", "2026-03-29T00:59", 1),  # the hour from 2 to 3 is left out that day
        ("Europe/Berlin", "2026-03-29T01:00", 3),
        ("Europe/Berlin", "2026-10-25T00:30", 2),  # and twice here
        ("Europe/Berlin", "2026-10-25T01:30", 2),
        ("Europe/Berlin", "2026-10-25T02:00", 3),
    ],
)
def test_the_hour_is_the_one_on_the_shops_clock(time_zone: str, utc: str, hour: int) -> None:
    assert hour_of(shop_in(time_zone), minute(utc)) == hour
