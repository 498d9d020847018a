"""Hour-of-day factors learned from the lake: 24 different ones, each of its own hour."""

import dataclasses

import pytest
from pyspark.sql import SparkSession

from batch.keywords import hour_factors, usual
from common.config_load import load_config

CONFIG = load_config(env={})
DAY = 20_000 * 1440  # an epoch minute at which a day begins (UTC)
HALF_LIFE = CONFIG.keywords.half_life_minutes
COLUMNS = "keyword string, minute bigint, searchers bigint"
# Two minutes of every hour, the first and the last; at hour h there are h + 1 and 2h + 1 searchers, of two keywords.
ROWS = [("coat", DAY + 60 * h + m, h + 1) for h in range(24) for m in (0, 59)]
ROWS += [("wool", DAY + 60 * h + m, 2 * h + 1) for h in range(24) for m in (0, 59)]


def test_the_factor_of_each_hour_is_that_of_its_own_searchers(spark: SparkSession) -> None:
    found = hour_factors(spark.createDataFrame(ROWS, COLUMNS))
    total = sum(3 * h + 2 for h in range(24)) * 2
    mean = total / 48
    assert found == pytest.approx([(2 * (3 * h + 2) + 120 * mean) / (122 * mean) for h in range(24)], rel=1e-12)
    assert len(set(found)) == 24


@pytest.mark.parametrize("horizon", [DAY + 1440, DAY + 24 * 60 + 7])
def test_the_mass_at_t_weighs_each_minute_by_the_factor_of_its_hour(spark: SparkSession, horizon: int) -> None:
    keywords = dataclasses.replace(CONFIG.keywords, half_life_minutes=600)
    config = dataclasses.replace(CONFIG, keywords=keywords)
    hours = [1.0 + 2**h / 1000 for h in range(24)]
    mass, base = usual(spark.createDataFrame(ROWS, COLUMNS), config, horizon, hours)
    minutes = [DAY + 60 * h + m for h in range(24) for m in (0, 59)]
    wanted = sum(hours[n // 2] * 2 ** ((m - horizon) / 600) for n, m in enumerate(minutes))
    assert mass == pytest.approx(wanted, rel=1e-12)
    seen = {row["keyword"]: row["seen"] for row in base.collect()}
    of = {word: sum(n * 2 ** ((m - horizon) / 600) for w, m, n in ROWS if w == word) for word in ("coat", "wool")}
    assert seen == pytest.approx(of, rel=1e-12)
