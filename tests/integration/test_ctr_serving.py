"""Training and serving see the same: a request has the features of exposures at that moment on those events."""

import asyncio
import dataclasses
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from redis import Redis

from batch.ctr_exposures import Label, exposures
from batch.ctr_inputs import category_prices
from common.config import Config
from common.facts.aggregate import ITEM, USER, aggregate
from common.keys import Keys
from common.models.ctr import Scorecard, bins_of
from common.sinks.products import write_products
from common.sinks.redis_facts import write_facts
from common.validate import rfc3339
from common.views.ctr_features import FEATURES, KEPT, MINUTE_MS, late_minutes
from serving.ctr import Judged, judge
from serving.records import remember
from serving.services import Services, running
from serving.stores import read_user
from serving.versions import Versions, live
from tests.lake_events import START, event, lake_events

CHANGES = (
    "item_id string, op string, title string, category string, brand string, style string, launch_date string,"
    " status string, price double, stock bigint, lsn bigint, ts_ms bigint, offset bigint"
)
ITEMS = {f"i{n}": (f"c{n % 4}", 10.0 * (n + 1), f"b{n % 3}", f"s{n % 5}") for n in range(40)}
MINUTES = 26 * 60
MOMENT = START + timedelta(minutes=MINUTES, seconds=31)
MOMENT_MS = int(MOMENT.timestamp() * 1000)


def happened() -> list[dict[str, Any]]:
    """26 hours of ten people; u0 is asked for. Nothing happens twice in a minute to one person's item."""
    chance, rows, taken = random.Random(5), [], set()
    for number in range(3000):
        kind = chance.choice(["exposure"] * 4 + ["click", "view", "view", "cart_add", "purchase"])
        item, user = chance.choice(list(ITEMS)), f"u{int(10 * chance.random() ** 2)}"
        minute = MINUTES * (1 - chance.random() ** 4)
        if (int(minute), item, user) in taken:
            continue
        taken.add((int(minute), item, user))
        row = event(number, kind, minute, user, item, category=ITEMS[item][0], price=ITEMS[item][1])
        rows.append({"surface": "home" if kind == "exposure" else None, "position": number % 7} | row)
    last = event(9000, "view", MINUTES, "u1", "i0", category="c0", price=10.0)
    return [*rows, {"surface": None, "position": None} | last]


def catalogue(spark: SparkSession) -> DataFrame:
    at = int(START.timestamp() * 1000) - 1
    rows = [
        (item, "r", item, category, brand, style, "2026-02-20" if n % 2 else None, "active", price, 5, n, at, n)
        for n, (item, (category, price, brand, style)) in enumerate(ITEMS.items())
    ]
    return spark.createDataFrame(rows, CHANGES)


def frame(spark: SparkSession, rows: list[dict[str, Any]]) -> DataFrame:
    return lake_events(spark, rows)


def model(events: DataFrame, late: int) -> Scorecard:
    """Every bucket with a weight of its own, and fine buckets: what differs shows."""
    fine = {feature.name: np.linspace(-4, 8, 400).tolist() for feature in FEATURES}
    bins = bins_of(fine, 2)
    weights = np.random.default_rng(3).normal(size=bins.size) / 3
    prices = category_prices(events, MOMENT_MS // MINUTE_MS - late)
    return Scorecard("v1", bins, weights.round(6), -1.0, 1.0, 0.0, ("home", "now"), prices, MOMENT_MS)


def in_redis(spark: SparkSession, config: Config, redis_conn: Redis, rows: list[dict[str, Any]]) -> Keys:
    """What the stream, the catalogue query and the collector leave of the events."""
    keys = Keys(config.redis.prefix)
    write_facts(aggregate(frame(spark, rows), (ITEM, USER)), config)
    write_products(catalogue(spark), config)
    pipeline = redis_conn.pipeline()
    for row in sorted(rows, key=lambda row: row["event_time"]):
        known = {name: row[name] for name in ("event_id", "event_type", "user_id", "item_id", "category", "price")}
        time_ms = int(row["event_time"].timestamp() * 1000)
        remember(pipeline, known | {"event_time": rfc3339(time_ms)}, keys, config, time_ms)
    pipeline.execute()
    return keys


def asked(config: Config, work: Callable[[Services], Coroutine[Any, Any, Any]]) -> Any:
    """What `work` gives with running services, at the moment."""

    async def inside() -> Any:
        async with running(config) as services:
            services.clicks.clock = lambda: MOMENT_MS / 1000
            return await work(services)

    return asyncio.run(inside())


def with_longer_memory(config: Config) -> Config:
    """Every action of the tests is on the recent list."""
    return dataclasses.replace(config, profile=dataclasses.replace(config.profile, recent_actions=1000))


def test_a_request_sees_what_training_saw_at_that_moment(
    spark: SparkSession, config: Config, redis_conn: Redis
) -> None:
    config, rows = with_longer_memory(config), happened()
    late = late_minutes(config.streaming.watermark)
    keys = in_redis(spark, config, redis_conn, rows)
    events = frame(spark, rows)
    card = model(events, late)
    redis_conn.set(keys.ctr_model("v1"), card.dump())
    redis_conn.set(keys.live_ctr, "v1")

    async def work(services: Services) -> Judged | None:
        await services.clicks.counts.move(MOMENT_MS // MINUTE_MS)
        record = await read_user(services, "u0", shown=KEPT)
        return await judge(services, await live(services), record, await services.products.offers(list(ITEMS)))

    answer = asked(config, work)
    shown = [
        event(n, "exposure", 0, "u0", item, category=c, price=price, surface="now", position=0)
        for n, (item, (c, price, _, _)) in enumerate(ITEMS.items())
    ]
    shown = [row | {"event_id": f"asked-{row['item_id']}", "event_time": MOMENT} for row in shown]
    changed = catalogue(spark).selectExpr("*", "timestamp_millis(ts_ms) as ingest_time")
    batch = exposures(
        frame(spark, rows + shown), changed, Label(("click",), 60_000), late, MOMENT_MS, MOMENT_MS + 1
    ).collect()
    x = np.array([row["x"] for row in batch])
    expected = dict(zip([row["item_id"] for row in batch], card.probabilities(card.shown_at(x, "now")), strict=True))
    chances = answer.chances.tolist()
    assert len(expected) == len(chances) == len(ITEMS)
    assert answer.version == "v1"
    assert dict(zip(ITEMS, chances, strict=True)) == pytest.approx(expected, rel=1e-9)
    for parts, chance in zip(answer.parts.tolist(), chances, strict=True):
        assert answer.base + sum(parts) == pytest.approx(np.log(chance / (1 - chance)))
    spread = x.std(axis=0)
    assert (spread[[2, 3, 4, 5, 6, 7, 8, 10, 11, 13]] > 0).all()  # a feature that is the same for all tests nothing


def test_counts_moved_on_by_the_minute_are_those_read_anew(
    spark: SparkSession, config: Config, redis_conn: Redis
) -> None:
    in_redis(spark, config, redis_conn, happened())
    members = [f"{category}\x1f{item}" for item, (category, *_) in ITEMS.items()]
    now = MOMENT_MS // MINUTE_MS

    async def work(services: Services) -> tuple[Any, Any]:
        counts = services.clicks.counts
        for minute in range(now - 40, now + 1, 8):
            await counts.move(minute)
        moved = counts.now(None).of(members)
        await counts.move(now - 3000)
        await counts.move(now)
        return moved, counts.now(None).of(members)

    moved, anew = asked(config, work)
    assert np.array_equal(moved, anew)
    assert moved.sum() > 0


@pytest.mark.parametrize("text", [None, b"{", b"[]", b"{}", b'{"edges": 3}'])
def test_without_a_model_that_can_be_read_there_are_no_chances(
    config: Config, redis_conn: Redis, text: bytes | None
) -> None:
    if text is not None:
        redis_conn.set(Keys(config.redis.prefix).ctr_model("bad"), text)

    async def work(services: Services) -> list[Judged | None]:
        record, offers = await read_user(services, "nobody"), await services.products.offers(["a", "b"])
        return [await judge(services, Versions(None, None, None, ctr), record, offers) for ctr in (None, "bad")]

    assert asked(config, work) == [None, None]


def test_somebody_unknown_and_items_unknown_are_scored_and_a_new_version_is_used_at_once(
    spark: SparkSession, config: Config, redis_conn: Redis
) -> None:
    keys = Keys(config.redis.prefix)
    card = model(frame(spark, happened()[:50]), 2)

    async def work(services: Services) -> list[Judged | None]:
        record, answers = await read_user(services, "nobody"), []
        offers = await services.products.offers(["x", "y"])
        for version in ("v1", "v2"):
            text = dataclasses.replace(card, version=version).dump()
            await services.redis.set(keys.ctr_model(version), text)
            answers.append(await judge(services, Versions(None, None, None, version), record, offers))
        return answers

    answers = asked(config, work)
    assert [answer.version for answer in answers] == ["v1", "v2"]
    assert all(
        len(answer.chances) == 2 and (answer.chances > 0).all() and (answer.chances < 1).all() for answer in answers
    )
