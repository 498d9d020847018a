"""The merge after Redis was lost: the cap knows the whole hour of the clock in which its oldest minutes are."""

import dataclasses
from pathlib import Path

import pytest
import redis
from pyspark.sql import SparkSession

from batch import facts
from batch.tables import append
from common.config import Config
from common.keys import member
from common.sources.lake import EVENTS
from tests.integration.item_rows import ranking
from tests.integration.sinks.views_of import capped
from tests.lake_events import event, lake_events

MOST = 3


@pytest.fixture
def config(config: Config, tmp_path: Path) -> Config:
    hour = [ranking for ranking in config.rankings.definitions if ranking.name in ("views-1h", "popular")]
    rankings = dataclasses.replace(config.rankings, definitions=hour)
    return capped(dataclasses.replace(config, lake_path=str(tmp_path / "lake"), rankings=rankings), MOST)


def test_what_was_viewed_earlier_in_the_hour_than_the_merge_reaches_back_counts_against_the_cap(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    """T is minute 130, the newest fact of 115: the window begins at 56, what is written of items at 46."""
    views = [*[30.1] * 2, *[57.1] * 4, *[115.1] * 4]  # minutes after the hour: two, then one more may count; then three
    rows = [event(n, "view", minute + n / 1000, "u", "i", category="c") for n, minute in enumerate(views)]
    rows.append(event(99, "view", 130 + 2.5, "v", "newest", category="c"))  # two minutes of watermark after T
    append(lake_events(spark, rows), config, EVENTS, "date")
    assert facts.run(spark, config).status == "done"
    assert ranking(redis_conn, config, "views-1h") == {member("c", "i"): MOST - 2 + MOST}
