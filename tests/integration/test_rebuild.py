"""Redis emptied and rebuilt from Delta: what is served is as before, and what plain Python makes of the events."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
import redis
from pyspark.sql import SparkSession

from batch import als, corrections, facts, rates, rebuild, related, sessions
from batch.tables import append
from common.config import Config
from common.facts.aggregate import aggregate
from common.facts.once import once_in_batch
from common.keys import ALL, Keys, member
from common.redis_client import redis_target
from common.sinks.redis_facts import write_facts
from common.sources.lake import CATALOG, EVENTS
from local.topics import create_topics
from tests.integration.conftest import Serve
from tests.lake_events import START, event, lake_events, planted

FIRST = int(START.timestamp()) // 60
# Two days before: gone from the item facts of 26 hours, still in `popular` and the profile.
OLD = event(9000, "view", -2880, "u0-1", "i0-1", category="i0", price=99.0)
SHOP = [row | {"price": 5.0 + n % 7} for n, row in enumerate(planted(3, 25, 12, 7, seed=2))]
LAST = event(9002, "view", len(SHOP) + 1.5, None, "i2-0", session_id="anonymous", category="i2")
EVENTS_ONCE = [OLD, *SHOP, event(9001, "search", 40.25, "u1-3", None), LAST]
AS_OF = FIRST + len(SHOP) + 1
COPY = SHOP[-1] | {"offset": 99_999}
CHANGES = (
    "item_id string, op string, title string, category string, brand string, style string, launch_date string,"
    " status string, price double, stock bigint, lsn bigint, ts_ms bigint, ingest_time timestamp, date date"
)


@pytest.fixture
def config(platform: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("rebuild")
    tuned = replace(platform.als, rank=4, iterations=2, candidates=8)
    own = replace(platform.redis, prefix="rebuild")
    two = [r for r in platform.rankings.definitions if r.name in ("views-1h", "popular")]
    rankings = replace(platform.rankings, definitions=two)
    here = {"lake_path": str(folder / "lake"), "checkpoint_path": str(folder / "checkpoints")}
    return replace(platform, als=tuned, redis=own, rankings=rankings, **here)


@pytest.fixture
def client(config: Config) -> Iterator["redis.Redis"]:
    with redis_target(config).connect() as client:
        yield client


def empty(client: "redis.Redis", prefix: str) -> None:
    for key in client.scan_iter(f"{prefix}:*"):
        client.delete(key)


def change(item: str, lsn: int, title: str) -> tuple[Any, ...]:
    rest = ("c", "brand", "style", "2026-01-01", "active", 12.5, 3, lsn, lsn, START, START.date())
    return (item, rest[0], title, item.split("-")[0], *rest[1:])


POINTERS = ("als:live", "rel:live", "sessions:live", "{item}:corr:live")
POINTERS += ("{item}:as_of", "{item}:horizon", "{item}:lm:popular")


def served(client: "redis.Redis", prefix: str) -> dict[str, Any]:
    """Everything that answers are made of; not what only the next merge reads (base, merged)."""
    found: dict[str, Any] = {}
    for key in client.scan_iter(f"{prefix}:*", count=5000):
        name = re.sub("@[^:]*", "", key.decode().removeprefix(f"{prefix}:"))  # a rate's version is that of its run
        if name.startswith("{item}:r:"):
            found[name] = {row.decode(): score for row, score in client.zrange(key, 0, -1, withscores=True)}
        elif name.endswith(":bought"):
            found[name] = {item.decode() for item in client.smembers(key)}
        elif name.startswith(("{item}:f:", "p:", "{item}:corr:2")):
            found[name] = client.hgetall(key)
        elif name.endswith(":b"):
            found[name] = {field.decode(): value.decode() for field, value in client.hgetall(key).items()}
        elif name.startswith(("u:", "als:20", "rel:20")):
            found[name] = orjson.loads(client.get(key))
        elif name in POINTERS:
            found[name] = client.get(key)
    return found


def same(now: dict[str, Any], before: dict[str, Any]) -> None:
    assert set(now) == set(before)
    for name, value in before.items():
        scores = name.startswith("{item}:r:")
        assert now[name] == (pytest.approx(value) if scores else value), name


def minute(row: dict[str, Any]) -> int:
    return int(row["event_time"].timestamp()) // 60


def expected_rankings(config: Config, landmark: int) -> dict[str, dict[str, float]]:
    """Views of the last hour, and Σ weight · 2^((minute − landmark) / 1440), by ranking and scope."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    weights = {"view": 1, "purchase": 12}
    for row in (row for row in EVENTS_ONCE if row["item_id"]):
        name = member(row["category"], row["item_id"])
        for scope in (ALL, row["category"]):
            part = weights[row["event_type"]] * 2 ** ((minute(row) - landmark) / 1440)
            sums[f"{{item}}:r:popular:{scope}"][name] += part
            if row["event_type"] == "view" and minute(row) > AS_OF - 60:
                sums[f"{{item}}:r:views-1h:{scope}"][name] += 1
    return sums


def answers(api: httpx.Client) -> None:
    """Every surface has something of its own to show."""
    paths = [f"users/u0-1/recommendations/{name}" for name in ("for-you", "now", "trending")]
    for path in [*paths, "items/i0-1/related", "items/i0-1/similar"]:
        found = api.get(f"/v1/{path}").json()
        assert (found["fallback"], bool(found["items"])) == (None, True), path
    assert api.get("/v1/rankings/popular-fair").json()["items"]
    assert api.get("/v1/rankings/popular-rate").json()["items"]


KINDS = ("view", "click", "cart_add", "wish_add", "purchase", "exposure", "search", "cart_remove", "wish_remove")


def expected_user_facts() -> dict[str, dict[Any, Any]]:
    rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in EVENTS_ONCE:
        of = (row["category"], row["item_id"]) if row["item_id"] and row["event_type"] in KINDS[:5] else ("", "")
        field = "\x1f".join((str(minute(row)), *of))
        rows[row["user_id"] or row["session_id"], field].append(row)
    found: dict[str, dict[Any, Any]] = defaultdict(dict)
    for (user, field), done in rows.items():
        counts = Counter(row["event_type"] for row in done)
        newest = max(round(row["event_time"].timestamp() * 1000) for row in done)
        price = max((row["price"] for row in done if row["price"] is not None), default="")
        found[f"u:{{{user}}}:b"][field] = f"{','.join(str(counts[kind]) for kind in KINDS)}|{newest}|{price}"
    return found


def expected_profile(user: str, half_life_days: float) -> dict[str, Any]:
    """Σ weight · 2^(−age / half-life) by category, as of the newest event; quantiles between the prices around."""
    rows = [row for row in EVENTS_ONCE if row["user_id"] == user and row["item_id"]]
    weights = {"view": 1, "purchase": 8}
    categories: dict[str, float] = defaultdict(float)
    for row in rows:
        days = (LAST["event_time"] - row["event_time"]).total_seconds() / 86_400
        categories[row["category"]] += weights[row["event_type"]] * 2 ** (-days / half_life_days)
    prices = sorted(row["price"] for row in rows)
    places = [(len(prices) - 1) * share for share in (0.1, 0.5, 0.9)]
    upper = [prices[min(int(p) + 1, len(prices) - 1)] for p in places]
    between = [prices[int(p)] + (p - int(p)) * (high - prices[int(p)]) for p, high in zip(places, upper, strict=True)]
    return {"categories": pytest.approx(categories, abs=1e-6), "prices": pytest.approx(between)}


def long_term(now: dict[str, Any], half_life_days: float) -> None:
    """Profiles and bought sets are what plain Python makes of the events."""
    for user in ("u0-1", "u1-3"):
        long = now[f"u:{{{user}}}:long"]
        assert long["as_of_ms"] == round(LAST["event_time"].timestamp() * 1000)
        for name, value in expected_profile(user, half_life_days).items():
            assert long[name] == value
        bought = {row["item_id"] for row in SHOP if row["user_id"] == user and row["event_type"] == "purchase"}
        assert now.get(f"u:{{{user}}}:bought", set()) == bought


def test_what_is_served_is_as_before_after_redis_was_emptied(
    spark: SparkSession, config: Config, client: "redis.Redis", serve: Serve
) -> None:
    append(lake_events(spark, [*EVENTS_ONCE, COPY]), config, EVENTS, "date")
    changes = [change("i0-1", 7, "new"), change("i0-1", 3, "old"), change("i1-2", 4, "신발")]
    append(spark.createDataFrame(changes, CHANGES), config, CATALOG, "date")
    streamed = once_in_batch(lake_events(spark, [*EVENTS_ONCE[1:], COPY]))  # of OLD Redis has forgotten the minute
    write_facts(aggregate(streamed), config)
    assert {job.run(spark, config).status for job in (facts, corrections, rates, als, related, sessions)} == {"done"}
    before = served(client, config.redis.prefix)
    assert before.keys() >= set(POINTERS)

    empty(client, config.redis.prefix)
    lines: list[str] = []
    rebuild.run(spark, config, lines.append)
    now = served(client, config.redis.prefix)

    products = {name: now.pop(name) for name in [name for name in now if name.startswith("p:")]}
    titles = {name: fields[b"title"].decode() for name, fields in products.items()}
    assert titles == {"p:{i0-1}": "new", "p:{i1-2}": "신발"}
    field = next(name for name in now["u:{u0-1}:b"] if name.startswith(str(minute(OLD))))
    old = now["u:{u0-1}:b"].pop(field)  # within the profile's 168 hours: a user fact that the stream had lost
    same(now, before)
    now["u:{u0-1}:b"][field] = old

    keys = Keys(config.redis.prefix)
    assert client.zrange(keys.categories, 0, -1) == client.zrange(keys.tree, 0, -1) != []
    assert int(now["{item}:as_of"]) == AS_OF
    expected = expected_rankings(config, int(now["{item}:lm:popular"]))
    same({name: rows for name, rows in now.items() if ":r:" in name and "rate" not in name}, dict(expected))
    assert {name: value for name, value in now.items() if name.endswith(":b")} == expected_user_facts()
    long_term(now, config.als.half_life_days)
    assert "long-term profiles" in lines[-1]
    create_topics(config)
    answers(serve(config))

    again = served(client, config.redis.prefix)
    rebuild.run(spark, config)
    same(served(client, config.redis.prefix), again)
