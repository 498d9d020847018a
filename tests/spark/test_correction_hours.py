"""Corrections by hour of the shop's day: 24 different rates, each learned, stored and published as its own hour's."""

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch import corrections
from batch.corrections import learn
from batch.tables import append
from common.config import Config, RankingConfig
from common.config_load import load_config
from common.facts.aggregate import ITEM, aggregate
from common.facts.item import item_facts
from common.facts.user import user_facts
from common.models.corrections import factors, usual_rates
from common.sources.lake import ITEM_EXCESS, ITEM_FACTS
from common.views.caps import excess
from tests.conftest import for_tests
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


def test_a_bot_moves_no_category_by_more_than_one_person_counts(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two categories, six views an hour each; at noon a bot views one bag 400 times: ten count (`per_user`)."""
    rows = []
    for hour in range(24):
        for n in range(12):
            name = ("bags", "coats")[n % 2]
            rows.append(event(len(rows), "view", hour * 60 + n, f"u{n}", f"{name}-{n}", category=name))
    noon = 12 * 60 + 0.5
    rows += [event(len(rows) + n, "view", noon, "bot", "bags-0", category="bags") for n in range(400)]
    config, events, published = for_tests(tmp_path), lake_events(spark, rows), dict[str, Any]()
    for table, facts in (
        (ITEM_FACTS, item_facts(events)),
        (ITEM_EXCESS, excess(user_facts(events), config.rankings.per_user)),
    ):
        append(facts.select("*", F.to_date("window_start").alias("date")), config, table, "date")
    monkeypatch.setattr(
        corrections, "publish", lambda config, version, name, *learned: published.update({name: learned})
    )
    monkeypatch.setattr(corrections, "_serve", lambda config, version: None)
    assert corrections.run(spark, config).status == "done"
    categories, fair, _ = published["popular-fair"]
    counted = np.full((2, 24), 6.0)
    counted[0, 12] += 10
    popular = next(r for r in config.rankings.definitions if r.name == "popular")
    usual = usual_rates(counted, np.ones(24), config.rankings.corrections.prior_hours)
    assert categories == ["bags", "coats"]
    assert fair == pytest.approx(factors(usual, popular, config.rankings.corrections.bound)[0])
