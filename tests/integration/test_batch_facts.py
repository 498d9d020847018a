"""The batch layer counts again from the lake: idempotent, only what is new, and Redis shows the closed formula."""

from datetime import timedelta

import pytest
import redis
from pyspark.sql import SparkSession

from batch import facts
from batch.tables import append, newest_version
from common.config import Config
from common.facts.aggregate import aggregate
from common.keys import Keys
from common.sinks.redis_facts import write_facts
from common.sources.lake import EVENTS, ITEM_FACTS, read_table
from tests.lake_events import START, event, lake_events

DAY = 24 * 60


def rows(first: int, minutes: list[float]) -> list[dict[str, object]]:
    return [event(first + n, "view", minute, "ann", "coat", category="a") for n, minute in enumerate(minutes)]


def test_ranking_in_redis_is_the_closed_formula_and_a_second_run_changes_nothing(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    append(lake_events(spark, rows(0, [1, 2, 2, DAY, DAY + 100])), config, EVENTS, "date")
    assert facts.run(spark, config).status == "done"
    horizon = int(START.timestamp() // 60) + DAY + 90
    assert facts.horizon_minute(read_table(spark, config, EVENTS), config) == horizon
    keys = Keys(config.redis.prefix)
    assert int(redis_conn.get(keys.horizon)) == horizon
    at = [1, 2, 2, DAY]
    expected = sum(2.0 ** ((minute - DAY - 90) / 1440) for minute in at)
    for _ in range(2):
        for scope in ("a", "*"):
            assert redis_conn.zscore(keys.ranking("popular", scope), "a\x1fcoat") == pytest.approx(expected)
        facts.run(spark, config)
    redis_conn.set(keys.horizon, horizon + 10)  # as after a run on a newer lake
    refused = facts.run(spark, config)
    assert refused.exit_code == 10
    assert refused.message.endswith("of the lake is older than the one that stands in Redis")
    assert int(redis_conn.get(keys.horizon)) == horizon + 10


def test_only_the_dates_of_new_files_are_counted_again(spark: SparkSession, config: Config) -> None:
    append(lake_events(spark, rows(0, [1, DAY])), config, EVENTS, "date")
    assert len(facts.changed_dates(spark, config, newest_version(spark, config, EVENTS))) == 2
    facts.run(spark, config)
    assert facts.changed_dates(spark, config, newest_version(spark, config, EVENTS)) == []
    append(lake_events(spark, rows(0, [1]) + rows(9, [5])), config, EVENTS, "date")  # one a copy, one late
    day = f"{START.date()}"
    assert facts.changed_dates(spark, config, newest_version(spark, config, EVENTS)) == [day]
    facts.run(spark, config)
    found = {(r.window_start, r.views) for r in read_table(spark, config, ITEM_FACTS).collect()}
    first = min(moment for moment, _ in found)
    assert found == {(first, 1), (first + timedelta(minutes=4), 1), (first + timedelta(minutes=DAY - 1), 1)}


def test_what_the_stream_counted_after_the_horizon_stays_counted_once_through_merges(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    early, late = [1.0, 2.0, 60.0], [70.0, 75.5, 90.0, 119.0, 120.0]
    streamed = lake_events(spark, rows(0, [*early, *late]))
    write_facts(aggregate(streamed), config)
    append(lake_events(spark, rows(0, early)), config, EVENTS, "date")  # the lake lags behind
    keys = Keys(config.redis.prefix)
    for _ in range(2):
        assert facts.run(spark, config).status == "done"
        horizon = int(redis_conn.get(keys.horizon))
        assert horizon == int(START.timestamp() // 60) + 50
        expected = sum(2.0 ** ((int(minute) - 50) / 1440) for minute in [*early, *late])
        for scope in ("a", "*"):
            assert redis_conn.zscore(keys.ranking("popular", scope), "a\x1fcoat") == pytest.approx(expected, rel=1e-9)
