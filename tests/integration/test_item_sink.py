"""Rankings in Redis against formulas worked out here: whatever the order, the repetition or the merge."""

import dataclasses
import random
from collections import defaultdict

import pytest
import redis

from common.config import Config
from common.keys import ALL, Keys, member, split_member
from common.sinks.rankings import activate, settled_minute
from common.sinks.redis_facts import BATCH
from tests.integration.item_rows import Fact, ranking, write

START = 29_000_000  # an epoch minute
HALF_LIFE = 1440


def some_facts(minutes: int, seed: int = 3) -> list[Fact]:
    draw = random.Random(seed)
    keys = {(START + draw.randrange(minutes), f"c{draw.randrange(4)}", f"i{draw.randrange(30)}") for _ in range(900)}
    return [(m, category, f"{category}-{item}", draw.randrange(1, 9)) for m, category, item in sorted(keys)]


def window(facts: list[Fact], as_of: int, scope: str = ALL) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for minute, category, item, views in facts:
        if as_of - 60 < minute <= as_of and scope in (ALL, category):
            sums[member(category, item)] += views
    return dict(sums)


def decayed(facts: list[Fact], at: int) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for minute, category, item, views in facts:
        sums[member(category, item)] += 3 * views * 2 ** ((minute - at) / HALF_LIFE)
    return dict(sums)


def test_one_call_takes_more_items_and_categories_than_lua_passes_arguments(
    config: Config, redis_conn: redis.Redis
) -> None:
    large = dataclasses.replace(config, streaming=dataclasses.replace(config.streaming, redis_rows_per_call=20_000))
    facts = [(START, f"c{n}", f"i{n}", 1 + n % 7) for n in range(9_001)]
    assert write(large, facts) == len(facts)
    assert ranking(redis_conn, config, "views-1h") == window(facts, START)
    assert redis_conn.zcard(Keys(config.redis.prefix).tree) == len(facts)


def popular_at(connection: redis.Redis, config: Config, at: int) -> dict[str, float]:
    landmark = int(connection.get(Keys(config.redis.prefix).landmark("popular")) or 0)
    raw = ranking(connection, config, "popular")
    return {key: score * 2 ** ((landmark - at) / HALF_LIFE) for key, score in raw.items()}


def test_the_sliding_hour_is_exact_at_every_minute_overall_and_in_each_category(
    config: Config, redis_conn: redis.Redis
) -> None:
    facts = some_facts(150)
    for as_of in range(START, START + 150):
        now = [fact for fact in facts if fact[0] == as_of]
        if not now:
            continue
        write(config, now)
        for scope in (ALL, "c0", "c3"):
            assert ranking(redis_conn, config, "views-1h", scope) == window(
                [f for f in facts if f[0] <= as_of], as_of, scope
            )


def test_facts_in_any_order_and_written_again_give_the_same_rankings(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(50)
    shuffled = facts * 2
    random.Random(5).shuffle(shuffled)
    for start in range(0, len(shuffled), 100):
        write(config, shuffled[start : start + 100])
    assert write(config, facts) == 0
    as_of = max(fact[0] for fact in facts)
    assert ranking(redis_conn, config, "views-1h") == window(facts, as_of)
    assert popular_at(redis_conn, config, as_of) == pytest.approx(decayed(facts, as_of), rel=1e-9)


def test_a_fact_that_grows_counts_only_by_its_growth(config: Config, redis_conn: redis.Redis) -> None:
    write(config, [(START, "c", "i", 2)])
    write(config, [(START, "c", "i", 7)])
    assert ranking(redis_conn, config, "views-1h", "c") == {member("c", "i"): 7}


def test_decay_stays_right_over_years(config: Config, redis_conn: redis.Redis) -> None:
    facts = [(START + day * 1440, "c", "i", 1) for day in range(0, 900, 30)]
    for fact in facts:
        write(config, [fact])
    at = facts[-1][0]
    assert popular_at(redis_conn, config, at) == pytest.approx(decayed(facts, at), rel=1e-9)
    assert ranking(redis_conn, config, "views-1h") == {member("c", "i"): 1}


def test_every_written_key_expires(config: Config, redis_conn: redis.Redis) -> None:
    write(config, some_facts(20))
    keys = list(redis_conn.scan_iter(match=f"{config.redis.prefix}:*"))
    assert keys
    assert all(redis_conn.ttl(key) > 0 for key in keys)


def base(connection: redis.Redis, config: Config, facts: list[Fact], horizon: int, version: str) -> None:
    keys = Keys(config.redis.prefix)
    for name, score in decayed([f for f in facts if f[0] < horizon], horizon).items():
        category, _ = split_member(name)
        connection.zadd(keys.base("popular", category, version), {name: score})
        connection.zadd(keys.tree, {category: 0})


def test_batch_up_to_the_horizon_and_stream_after_it_count_everything_once(
    config: Config, redis_conn: redis.Redis
) -> None:
    facts = some_facts(200)
    horizon, end = START + 120 - START % 10, START + 199
    late = [(START + 5, "c1", "late", 4)]  # only the batch layer has seen it
    write(config, facts)
    base(redis_conn, config, facts + late, horizon, "v1")
    assert activate(config, "v1", horizon)
    assert popular_at(redis_conn, config, end) == pytest.approx(decayed(facts + late, end), rel=1e-9)
    more = [(end, "c2", "new", 5), (START + 3, "c2", "new", 9)]
    write(config, more)  # the second is before the horizon: the batch layer's to count
    assert popular_at(redis_conn, config, end) == pytest.approx(decayed([*facts, *late, more[0]], end), rel=1e-9)
    assert activate(config, "v1", horizon)  # asked again after a lost answer
    base(redis_conn, config, facts + late, horizon, "v2")
    assert activate(config, "v2", horizon)  # the same horizon again makes no jump
    assert popular_at(redis_conn, config, end) == pytest.approx(decayed([*facts, *late, more[0]], end), rel=1e-9)


def test_an_older_batch_changes_nothing(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(100)
    write(config, facts)
    horizon = START + 60 - START % 10
    base(redis_conn, config, facts, horizon, "v2")
    assert activate(config, "v2", horizon)
    before = ranking(redis_conn, config, "popular")
    assert not activate(config, "v1", horizon - 10)
    assert ranking(redis_conn, config, "popular") == before


def test_corrected_facts_of_the_batch_layer_replace_the_streams_before_the_horizon(
    config: Config, redis_conn: redis.Redis
) -> None:
    end = START + 70 - START % 10
    write(config, [(end - 30, "c", "i", 2), (end, "c", "i", 1)])
    activate(config, "v1", end - 10)
    write(config, [(end - 30, "c", "i", 6)], BATCH)
    write(config, [(end - 30, "c", "i", 3)])  # the stream no longer speaks for that minute
    assert ranking(redis_conn, config, "views-1h") == {member("c", "i"): 7}


def test_a_merge_reaches_over_thousands_of_minutes(config: Config, redis_conn: redis.Redis) -> None:
    facts = [(START + 10 * n, "c", f"i{n % 7}", 1) for n in range(5000)]
    for start in range(0, len(facts), 1000):
        write(config, facts[start : start + 1000])
    assert activate(config, "v1", START)
    end = facts[-1][0]
    assert popular_at(redis_conn, config, end) == pytest.approx(decayed(facts, end), rel=1e-9)


def test_a_merge_with_settled_minutes_in_its_base_counts_them_once(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(200)
    horizon, end = START + 50, START + 199
    write(config, facts)
    settled = settled_minute(config)
    assert settled == max(fact[0] for fact in facts) - 2 - 1  # the watermark is two minutes
    keys = Keys(config.redis.prefix)
    for name, score in decayed([f for f in facts if f[0] <= settled], horizon).items():
        redis_conn.zadd(keys.base("popular", split_member(name)[0], "v1"), {name: score})
    more = (end, "c2", "new", 5)
    write(config, [more])  # while the merge reads: not a settled minute
    assert activate(config, "v1", horizon, settled + 1)
    assert popular_at(redis_conn, config, end) == pytest.approx(decayed([*facts, more], end), rel=1e-9)


def test_a_merge_gives_way_when_a_settled_minute_has_changed(config: Config, redis_conn: redis.Redis) -> None:
    write(config, some_facts(200))
    settled = settled_minute(config)
    assert settled is not None
    write(config, [(settled, "c2", "late", 5)])
    before = ranking(redis_conn, config, "popular")
    assert activate(config, "v1", START + 50, settled + 1) is None
    assert ranking(redis_conn, config, "popular") == before
    assert redis_conn.get(Keys(config.redis.prefix).horizon) is None
