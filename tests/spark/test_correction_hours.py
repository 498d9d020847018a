"""Corrections by hour of the shop's day: 24 different rates, each learned, stored and published as its own hour's."""

import dataclasses
from datetime import timedelta

import numpy as np
import pytest
from pyspark.sql import SparkSession

from batch.corrections import learn
from common.config import Config, RankingConfig
from common.config_load import load_config
from common.facts.aggregate import ITEM, aggregate
from tests.lake_events import START, event, lake_events

REFERENCE = load_config(env={})
VIEWS = RankingConfig("v", "window", 60, {"view": 1})


def shop_in(time_zone: str) -> Config:
    corrections = dataclasses.replace(REFERENCE.rankings.corrections, time_zone=time_zone, prior_hours=0.0)
    return dataclasses.replace(REFERENCE, rankings=dataclasses.replace(REFERENCE.rankings, corrections=corrections))


@pytest.mark.parametrize(
    ("time_zone", "ahead"), [("UTC", 0), ("Asia/Seoul", 9), ("Asia/Kolkata", 5.5), ("America/New_York", -5)]
)
def test_the_rate_of_an_hour_is_that_of_the_views_between_its_first_and_its_last_minute(
    spark: SparkSession, time_zone: str, ahead: float
) -> None:
    """At the shop's hour h there are h + 1 views in the first minute and one in the last, on two days."""
    rows = []
    for day in (1, 2):
        midnight = START + timedelta(days=day) - timedelta(hours=ahead)
        for hour in range(24):
            for minute, views in ((0, hour + 1), (59, 1)):
                at = midnight + timedelta(hours=hour, minutes=minute)
                after = (at - START).total_seconds() / 60
                rows += [event(len(rows) + n, "view", after, "ann", "i-1", category="bags") for n in range(views)]
    facts = aggregate(lake_events(spark, rows), (ITEM,))
    categories, rates = learn(facts, VIEWS, shop_in(time_zone))
    assert categories == ["bags"]
    assert rates == pytest.approx(np.array([[hour + 2.0 for hour in range(24)]]))
