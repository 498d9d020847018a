"""The job learns from Delta what is usual; the corrected ranking lets a small category rise, the raw one stays."""

import httpx
import numpy as np
import pytest
import redis
from pyspark.sql import SparkSession

from batch import corrections, facts
from batch.tables import append
from common.config import Config
from common.keys import Keys
from common.models.corrections import factors, usual_rates
from common.sources.lake import CORRECTIONS, EVENTS, read_table
from tests.integration.test_subtrees import ranked
from tests.lake_events import event, lake_events

HOURS = 3 * 24


def test_a_small_category_with_twice_its_usual_traffic_rises_and_the_raw_ranking_stays(
    spark: SparkSession, config: Config, redis_conn: redis.Redis, api: httpx.Client
) -> None:
    counted = np.zeros((2, 24))  # big, small; START is at midnight UTC, London has winter time
    rows = []
    for hour in range(HOURS):
        busy = 2 if hour >= HOURS - 2 else 1  # the last hours bring twice as much to the small category
        for category, n in (("big", 10), ("small", 2 * busy)):
            counted[("big", "small").index(category), hour % 24] += n
            rows += [(hour * 60 + k, category) for k in range(n)]
    events = [event(n, "view", minute, "ann", f"{c}-1", category=c) for n, (minute, c) in enumerate(rows)]
    append(lake_events(spark, events), config, EVENTS, "date")
    assert facts.run(spark, config).status == "done"
    before = ranked(api, "popular")
    assert [row["item_id"] for row in ranked(api, "popular-fair")] == ["big-1", "small-1"]  # nothing learned yet
    assert corrections.run(spark, config).status == "done"
    assert ranked(api, "popular") == before
    definition, settings = config.rankings.definitions[1], config.rankings.corrections
    wanted = factors(usual_rates(counted, np.full(24, 3.0), settings.prior_hours), definition, settings.bound)[0]
    raw = {row["item_id"]: row["score"] for row in before}
    found = {row["item_id"]: row["score"] for row in ranked(api, "popular-fair")}
    as_of_hour = int(redis_conn.get(Keys(config.redis.prefix).as_of) or 0) // 60 % 24
    for place, category in enumerate(("big", "small")):
        assert found[f"{category}-1"] == pytest.approx(raw[f"{category}-1"] * wanted[place, as_of_hour], rel=1e-9)
    assert found["small-1"] / found["big-1"] > 2 * raw["small-1"] / raw["big-1"]
    stored = read_table(spark, config, CORRECTIONS).where("ranking = 'popular-fair'").collect()
    assert {(r.category, r.hour): r.factor for r in stored} == pytest.approx(
        {(c, h): wanted[p, h] for p, c in enumerate(("big", "small")) for h in range(24)}
    )
    version = redis_conn.get(Keys(config.redis.prefix).live_corrections)
    assert version is not None and {r.version for r in stored} == {version.decode()}
    assert all(redis_conn.ttl(key) > 0 for key in redis_conn.scan_iter(match=f"{config.redis.prefix}*corr:*"))
