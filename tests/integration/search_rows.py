"""Searches as the keyword sink takes them, and what they come to by sets and formulas worked out here."""

import random
from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.sinks.keyword_baseline import activate_baseline
from common.sinks.redis_facts import fact_writer

START = 29_000_000  # an epoch minute
WINDOW, HALF_LIFE = 10, 120
EVEN = (1.0,) * 24  # every hour of day is like any other
Fact = tuple[int, str, str]  # minute, who, query as typed


def some_facts(minutes: int, seed: int = 4) -> list[Fact]:
    draw = random.Random(seed)
    texts = ["linen shirt", "Linen  Shirt", "LINENSHIRT", "여름 원피스", "여름원피스", "coat", "wool", "socks"]
    found = {
        (START + draw.randrange(minutes), f"u{draw.randrange(40)}", draw.choice(texts)) for _ in range(minutes * 9)
    }
    return sorted(found)


def key_of(query: str) -> str:
    return query.lower().replace(" ", "")


def write(config: Config, facts: list[Fact]) -> int:
    """Through the writer the executors use."""
    columns = {
        "fact": ["query"] * len(facts),
        "category": [""] * len(facts),
        "repeated": [False] * len(facts),
        "minute": [minute for minute, _, _ in facts],
        "user": [who for _, who, _ in facts],
        "key": [query for _, _, query in facts],
        "value": ["1"] * len(facts),
    }
    batch = pa.RecordBatch.from_pydict(columns)
    return sum(out["changed"][0].as_py() for out in fact_writer(config).write(iter([batch]), "s"))


def people(facts: list[Fact]) -> dict[tuple[int, str], int]:
    """(minute, keyword) → distinct people."""
    who = defaultdict(set)
    for minute, user, query in facts:
        who[(minute, key_of(query))].add(user)
    return {key: len(users) for key, users in who.items()}


def zset(connection: redis.Redis, key: str) -> dict[str, float]:
    return {name.decode(): score for name, score in connection.zrange(key, 0, -1, withscores=True)}


def baseline(connection: redis.Redis, config: Config, at: int) -> tuple[dict[str, float], float]:
    """S and M at minute `at`."""
    keys = Keys(config.redis.prefix)
    landmark, mass = map(float, connection.hmget(keys.keyword_meta, "landmark", "mass"))
    fade = 2 ** ((landmark - at) / HALF_LIFE)
    return {k: s * fade for k, s in zset(connection, keys.keyword_base).items()}, mass * fade


def usual(facts: list[Fact], at: int, since: int = 0, hours: Sequence[float] = EVEN) -> tuple[dict[str, float], float]:
    """The same by the formula of `common.models.trend`, from the facts alone."""
    sums: dict[str, float] = defaultdict(float)
    before = {(m, k): n for (m, k), n in people(facts).items() if since <= m <= at - WINDOW}
    for (minute, key), n in before.items():
        sums[key] += n * 2 ** ((minute - at) / HALF_LIFE)
    mass = sum(hours[m // 60 % 24] * 2 ** ((m - at) / HALF_LIFE) for m in {minute for minute, _ in before})
    return dict(sums), mass


def window(facts: list[Fact], at: int) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for (minute, key), n in people(facts).items():
        if at - WINDOW < minute <= at:
            sums[key] += n
    return dict(sums)


def assert_state(connection: redis.Redis, config: Config, facts: list[Fact], at: int) -> None:
    keys = Keys(config.redis.prefix)
    assert zset(connection, keys.keyword_window) == window(facts, at)
    (seen, mass), (wanted, wanted_mass) = baseline(connection, config, at), usual(facts, at)
    assert seen == pytest.approx(wanted, rel=1e-9)
    assert mass == pytest.approx(wanted_mass, rel=1e-9)


def publish(
    connection: redis.Redis,
    config: Config,
    facts: list[Fact],
    horizon: int,
    version: str,
    hours: Sequence[float] = EVEN,
) -> bool:
    """What the batch layer does, with the formula of this file."""
    seen, mass = usual([f for f in facts if f[0] < horizon], horizon + WINDOW, hours=hours)
    up = 2 ** (WINDOW / HALF_LIFE)  # from `horizon + WINDOW` back to the horizon
    name = Keys(config.redis.prefix).keyword_version(version)
    if seen:
        connection.zadd(name, {key: s * up for key, s in seen.items()})
    return activate_baseline(config, version, horizon, mass * up, hours)
