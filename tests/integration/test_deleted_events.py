"""Events that are deleted from the lake count no longer, in the lake's facts, in Redis, in the rankings."""

import dataclasses
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import redis
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from batch import facts
from batch.tables import append
from common.config import Config
from common.facts.aggregate import aggregate
from common.keys import ALL, member
from common.sinks.rankings import standing_horizon
from common.sinks.redis_facts import write_facts
from common.sources.lake import EVENTS, ITEM_EXCESS, ITEM_FACTS, USER_FACTS, read_table, table_path
from tests.integration.item_rows import ranking
from tests.integration.sinks.views_of import capped
from tests.lake_events import event, lake_events

MOST = 5
DAY = 1440
NEWEST = DAY + 200  # T is a minute of the second day; of the first there are two dates to count anew


@pytest.fixture
def config(config: Config, tmp_path: Path) -> Config:
    return capped(dataclasses.replace(config, lake_path=str(tmp_path / "lake")), MOST)


def views(user: str, item: str, minute: int, number: int) -> list[dict[str, Any]]:
    first = zlib.crc32(f"{user} {item} {minute}".encode()) * 1000
    return [event(first + n, "view", minute + n / 2000, user, item, category=item[0]) for n in range(number)]


def ranked(client: redis.Redis, config: Config, name: str) -> dict[str, float]:
    """What stands, the same in the ranking of all and in those of the categories."""
    parts = {**ranking(client, config, name, "a"), **ranking(client, config, name, "b")}
    assert ranking(client, config, name, ALL) == pytest.approx(parts)
    return parts


def test_a_bot_is_forgotten_and_with_it_what_only_it_had_seen(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    people = [*views("ann", "a-coat", DAY + 100, 3), *views("bea", "a-coat", DAY + 40, 2)]
    people += [*views("ann", "b-hat", 900, 4), *views("ann", "a-shoe", NEWEST, 1)]
    bot = [*views("bot", "a-coat", DAY + 100, 600), *views("bot", "a-coat", DAY + 101, 400)]
    bot += [*views("bot", "a-bag", DAY + 70, 50), *views("bot", "b-hat", 899, 9), *views("bot", "b-cap", 300, 1)]
    bot += [*views("bot", "a-bag", NEWEST + 25, 7), *views("bot", "a-shoe", NEWEST + 60, 1)]  # T goes by the last
    events = lake_events(spark, [*people, *bot]).localCheckpoint()
    write_facts(aggregate(events), config)
    append(events, config, EVENTS, "date")
    assert facts.run(spark, config).status == "done"
    assert ranked(redis_conn, config, "views-24h")[member("a", "a-coat")] == 3 + 2 + MOST

    DeltaTable.forPath(spark, table_path(config, EVENTS)).delete("user_id = 'bot'")
    horizon = standing_horizon(config)
    assert facts.run(spark, config).status == "done"
    assert standing_horizon(config) == horizon
    assert read_table(spark, config, ITEM_EXCESS).count() == 0
    assert {row["user"] for row in read_table(spark, config, USER_FACTS).collect()} == {"ann", "bea"}
    left = Counter({(row["category"], row["item_id"]): row["views"] for row in of_items(spark, config)})
    assert left == {("a", "a-coat"): 5, ("b", "b-hat"): 4, ("a", "a-shoe"): 1}
    expected = {member(*who): float(n) for who, n in left.items()}
    stays = {member("a", "a-shoe"): 1.0}  # of after T: the stream has counted it
    assert ranked(redis_conn, config, "views-24h") == {name: n + stays.get(name, 0.0) for name, n in expected.items()}
    assert set(ranked(redis_conn, config, "popular")) == set(expected)
    assert ranked(redis_conn, config, "views-24h")[member("a", "a-coat")] == 5

    append(lake_events(spark, views("eve", "b-hat", NEWEST + 90, 1)), config, EVENTS, "date")  # and T moves on
    assert facts.run(spark, config).status == "done"
    assert ranked(redis_conn, config, "views-24h") == expected  # eve is of after T, and no stream has counted it


def test_what_the_lake_does_not_have_yet_stays(spark: SparkSession, config: Config, redis_conn: redis.Redis) -> None:
    """Where nothing was deleted a place that the lake lacks is one that it has not read: a lake that catches up."""
    read, waiting = views("ann", "a-coat", 100, 2), views("bea", "b-hat", 90, 3)
    write_facts(aggregate(lake_events(spark, [*read, *waiting, *views("ann", "a-shoe", 200, 1)])), config)
    append(lake_events(spark, [*read, *views("ann", "a-shoe", 200, 1)]), config, EVENTS, "date")
    assert facts.run(spark, config).status == "done"
    assert ranked(redis_conn, config, "views-24h")[member("b", "b-hat")] == 3


def of_items(spark: SparkSession, config: Config) -> list[Any]:
    sums = read_table(spark, config, ITEM_FACTS).groupBy("category", "item_id").sum("views")
    return sums.withColumnRenamed("sum(views)", "views").collect()
