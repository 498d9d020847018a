"""Keywords in Redis against sets and formulas worked out here: whatever the order, repetition, spelling, merge."""

import dataclasses
import random

import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.sinks.keyword_baseline import activate_baseline
from tests.integration.search_rows import (
    START,
    WINDOW,
    assert_state,
    people,
    publish,
    some_facts,
    write,
    zset,
)


def test_window_and_baseline_are_the_formula_at_every_minute(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(45)
    for at in sorted({minute for minute, _, _ in facts}):
        write(config, [fact for fact in facts if fact[0] == at])
        assert_state(redis_conn, config, [fact for fact in facts if fact[0] <= at], at)


def test_written_twice_and_in_any_order_and_batches_the_state_is_the_same(
    config: Config, redis_conn: redis.Redis
) -> None:
    facts = some_facts(45)
    shuffled = facts * 2
    random.Random(8).shuffle(shuffled)
    for start in range(0, len(shuffled), 70):
        write(config, shuffled[start : start + 70])
    assert write(config, facts) == 0
    assert_state(redis_conn, config, facts, max(fact[0] for fact in facts))
    keys = Keys(config.redis.prefix)
    minute = facts[100][0]
    assert zset(redis_conn, f"{keys.kw}n:{minute}") == {k: n for (m, k), n in people(facts).items() if m == minute}


def test_one_user_who_searches_10000_times_in_any_spelling_is_one_searcher(
    config: Config, redis_conn: redis.Redis
) -> None:
    spelled = ["".join(f" {c}" if n >> i & 1 else c for i, c in enumerate("linenshirtsale")) for n in range(10_000)]
    write(config, [(START + n % WINDOW, "bot", text) for n, text in enumerate(spelled)])
    keys = Keys(config.redis.prefix)
    assert zset(redis_conn, keys.keyword_window) == {"linenshirtsale": WINDOW}  # once a minute at most
    slots = [keys.keyword_users(START + n, "linenshirtsale") for n in range(WINDOW)]
    assert redis_conn.pfcount(*slots) == 1


def test_the_form_of_most_people_is_shown(config: Config, redis_conn: redis.Redis) -> None:
    typed = [("linen shirt", 5), ("LinenShirt", 3), ("linenshirt", 2)]
    facts = [(START, f"u{text}{n}", text) for text, count in typed for n in range(count)]
    facts += [(START + n, "bot", "LINENSHIRT") for n in range(9)]
    write(config, facts)
    top = redis_conn.zrevrange(Keys(config.redis.prefix).keyword_forms("linenshirt"), 0, 0)
    assert top == [b"linen shirt"]


@pytest.mark.parametrize("typed", ["", "   ", "\x00\x1f", "\u200b", "x" * 200, "y" * 1_000_000])
def test_what_is_no_keyword_leaves_nothing(config: Config, redis_conn: redis.Redis, typed: str) -> None:
    assert write(config, [(START, "u", typed)]) == 0
    assert redis_conn.keys(f"{config.redis.prefix}:*") == []


def test_markup_quotes_and_control_characters_are_text_like_any_other(config: Config, redis_conn: redis.Redis) -> None:
    typed = ["<b>x</b>", "'; drop table x;--", '"}],[', "a\x1fb\x00", "%s{kw}*", "\\"]
    write(config, [(START, "u", text) for text in typed])
    counted = zset(redis_conn, f"{Keys(config.redis.prefix).kw}n:{START}")
    assert set(counted) == {"<b>x</b>", "';droptablex;--", '"}],[', "ab", "%s{kw}*", "\\"}


def test_every_written_key_expires_and_shares_one_slot(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(30)
    for part in (facts[:100], facts[100:]):
        write(config, part)
    activate_baseline(config, "v", START + 10, 1.0, [1.0] * 24)
    keys = list(redis_conn.scan_iter(match=f"{config.redis.prefix}:*"))
    assert keys
    assert [key for key in keys if redis_conn.ttl(key) <= 0] == []
    assert all(key.startswith(f"{config.redis.prefix}:{{kw}}:".encode()) for key in keys)


def test_only_the_most_searched_baselines_are_kept(config: Config, redis_conn: redis.Redis) -> None:
    small = dataclasses.replace(config, keywords=dataclasses.replace(config.keywords, keep=20))
    facts = [(START + n // 50, f"u{u}", f"k{n}") for n in range(3000) for u in range(1 + (n % 50 == 0))]
    for at in range(START, START + 60):
        write(small, [fact for fact in facts if fact[0] == at])
    kept = zset(redis_conn, Keys(config.redis.prefix).keyword_base)
    assert set(kept) == {f"k{50 * n}" for n in range(30, 50)}  # the newest of those with two people


def test_a_gap_longer_than_the_window_empties_it(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(15)
    write(config, facts)
    later = (START + 40, "u", "coat")
    write(config, [later])
    assert_state(redis_conn, config, [*facts, later], START + 40)


def test_baselines_stay_right_over_years(config: Config, redis_conn: redis.Redis) -> None:
    minutes = [START + day * 1440 for day in range(0, 900, 30)]
    for minute in minutes:
        write(config, [(minute, "u", "coat")])
    assert_state(redis_conn, config, [(minute, "u", "coat") for minute in minutes], minutes[-1])


def test_batch_up_to_the_horizon_and_stream_after_it_make_no_jump(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(45)
    end = max(fact[0] for fact in facts)
    write(config, facts)
    for version in ("v1", "v1", "v2"):  # asked again, and run again
        assert publish(redis_conn, config, facts, START + 20, version)
        assert_state(redis_conn, config, facts, end)
    more = [(end + 3, f"u{n}", "coat") for n in range(7)]
    write(config, [*more, (START + 5, "late", "coat")])  # the second is before T: the batch layer's to count
    assert_state(redis_conn, config, facts + more, end + 3)


def test_what_only_batch_has_seen_is_added(config: Config, redis_conn: redis.Redis) -> None:
    facts, late = some_facts(45), [(START + 2, f"late{n}", "coat") for n in range(9)]
    write(config, facts)
    assert publish(redis_conn, config, facts + late, START + 20, "v1")
    assert_state(redis_conn, config, facts + late, max(fact[0] for fact in facts))


@pytest.mark.parametrize("horizon", [START - 60, START + 10])
def test_a_horizon_that_does_not_meet_the_streams_counts_changes_nothing(
    config: Config, redis_conn: redis.Redis, horizon: int
) -> None:
    """Beyond what is kept, older than the one that stands. (Inside the window: sinks/test_keyword_outages.py)"""
    facts = some_facts(45)
    write(config, facts)
    assert publish(redis_conn, config, facts, START + 20, "v1")
    assert not publish(redis_conn, config, [(0, "u", "coat")], horizon, "v2")
    assert_state(redis_conn, config, facts, max(fact[0] for fact in facts))
