"""Keywords after an outage, or while nobody searches: against a count of all that was written."""

import dataclasses

import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.sinks.keyword_baseline import activate_baseline
from tests.integration.redis_clock import DAY, HOUR, MINUTE, let_pass
from tests.integration.search_rows import (
    START,
    WINDOW,
    Fact,
    assert_state,
    publish,
    some_facts,
    window,
    write,
    zset,
)

OUTAGES = [20 * MINUTE, 55 * MINUTE, 3 * HOUR, 3 * DAY, 14 * DAY]
END = START + 44  # the last minute of `before`


@pytest.fixture
def config(apart: Config) -> Config:
    redis.Redis.from_url(apart.redis.url).flushall()
    return apart


@pytest.fixture
def before(config: Config) -> list[Fact]:
    facts = [*some_facts(44), (END, "u0", "coat")]
    for part in (facts[:300], facts[300:]):
        write(config, part)
    return facts


def people(client: redis.Redis, config: Config, at: int, keyword: str) -> int:
    """Different searchers within the window, as a reader asks for them."""
    keys = Keys(config.redis.prefix)
    return int(client.pfcount(*[keys.keyword_users(at - back, keyword) for back in range(WINDOW)]))


@pytest.mark.parametrize("seconds", OUTAGES)
def test_a_backlog_in_small_steps_leaves_window_baseline_and_people_as_if_there_had_been_no_outage(
    config: Config, redis_conn: redis.Redis, before: list[Fact], seconds: int
) -> None:
    let_pass(redis_conn, config, seconds)
    facts, draw = before, [(m + 45, who, text) for m, who, text in some_facts(25, seed=9)]
    for minute in sorted({minute for minute, _, _ in draw}):
        now = [fact for fact in draw if fact[0] == minute]
        facts = [*facts, *now]
        write(config, now)
        assert_state(redis_conn, config, facts, minute)
        coat = {who for m, who, text in facts if text == "coat" and minute - WINDOW < m <= minute}
        assert people(redis_conn, config, minute, "coat") == len(coat)
        let_pass(redis_conn, config, 2 * MINUTE)
    assert write(config, now) == 0  # after a restart


@pytest.mark.parametrize("seconds", OUTAGES)
def test_who_searches_in_a_minute_from_before_the_outage_is_one_more(
    config: Config, redis_conn: redis.Redis, before: list[Fact], seconds: int
) -> None:
    let_pass(redis_conn, config, seconds)
    assert write(config, [fact for fact in before if fact[0] == END]) == 0
    more = (END, "somebody else", "coat")
    assert write(config, [more]) == 1
    assert_state(redis_conn, config, [*before, more], END)


def test_the_job_running_on_while_nobody_searches_changes_nothing(
    config: Config, redis_conn: redis.Redis, before: list[Fact]
) -> None:
    for version in range(30):
        assert publish(redis_conn, config, before, START + 20, f"v{version}")
        let_pass(redis_conn, config, 20 * HOUR)
    assert_state(redis_conn, config, before, END)
    after = (END + 1, "u", "coat")
    write(config, [after])
    assert_state(redis_conn, config, [*before, after], END + 1)


def test_without_its_newest_minute_the_window_is_made_anew_and_the_baseline_begins_from_nothing(
    config: Config, redis_conn: redis.Redis, before: list[Fact]
) -> None:
    """Also where the first search to come is of an earlier minute."""
    keys = Keys(config.redis.prefix)
    redis_conn.delete(keys.keyword_meta, keys.keyword_window)
    early = (END - 1, "late", "coat")
    write(config, [early])
    assert zset(redis_conn, keys.keyword_window) == window([*before, early], END)
    assert zset(redis_conn, keys.keyword_base) == {}
    after = (END + 5, "u", "coat")
    write(config, [after])
    assert zset(redis_conn, keys.keyword_window) == window([*before, early, after], END + 5)


def test_a_merge_before_the_stream_comes_back_to_a_redis_that_was_lost_counts_no_search_twice(
    config: Config, redis_conn: redis.Redis
) -> None:
    """The stream works off a backlog of before T, which the batch layer has counted."""
    early = (END - 1, "u", "coat")
    assert publish(redis_conn, config, [early], END, "v")
    write(config, [early])
    assert_state(redis_conn, config, [early], END + WINDOW - 1)


def test_a_merge_that_comes_before_the_first_search_after_weeks_leaves_nothing_of_them_in_the_window(
    config: Config, redis_conn: redis.Redis, before: list[Fact]
) -> None:
    """What is known expires before the window that was written last."""
    redis_conn.delete(Keys(config.redis.prefix).keyword_meta)
    assert publish(redis_conn, config, before, END + 100, "v")
    after = (END + 120, "u", "coat")
    write(config, [after])
    assert_state(redis_conn, config, [*before, after], END + 120)


@pytest.mark.parametrize("last", [END - 20, END - 5])
def test_a_merge_without_the_newest_minute_adds_what_the_stream_has_counted_since_t(
    config: Config, redis_conn: redis.Redis, before: list[Fact], last: int
) -> None:
    redis_conn.delete(Keys(config.redis.prefix).keyword_meta)
    assert publish(redis_conn, config, before, last, "v")
    assert_state(redis_conn, config, before, max(END, last + WINDOW - 1))


def test_counts_of_minutes_go_when_they_are_as_old_as_is_kept_whoever_moves_time_on(
    config: Config, redis_conn: redis.Redis
) -> None:
    kept, pattern = config.keywords.retention_minutes, f"{config.redis.prefix}:*:[nu]:*"
    for minute in range(START, START + 200, 5):
        write(config, [(minute, "u", "coat")])
        let_pass(redis_conn, config, 5 * MINUTE)
    counts = [int(key.split(b":")[3]) for key in redis_conn.keys(pattern) if b":n:" in key]
    assert sorted(counts) == list(range(START + 200 - kept, START + 200, 5))
    facts: list[Fact] = [(minute, "u", "coat") for minute in range(START, START + 200, 5)]
    assert publish(redis_conn, config, facts, START + 220, "v")
    let_pass(redis_conn, config, 25 * MINUTE)
    assert len(redis_conn.keys(pattern)) == (kept - 30) // 5
    assert publish(redis_conn, config, facts, START + 300, "w")
    let_pass(redis_conn, config, 25 * MINUTE)
    assert redis_conn.keys(pattern) == []


@pytest.mark.parametrize("last", [END - 9, END - 8, END + 1, END + 6, END + 7, END + 200])
def test_where_the_newest_search_is_long_ago_the_window_moves_on_with_the_baseline(
    config: Config, redis_conn: redis.Redis, before: list[Fact], last: int
) -> None:
    """T is `last`: the batch layer has seen other events, up to a window and the watermark later."""
    assert publish(redis_conn, config, before, last, "v")
    now = max(END, last + WINDOW - 1)
    assert_state(redis_conn, config, before, now)
    more = [(last - 3, "late", "coat"), (now, "u1", "coat"), (last, "u2", "coat"), (now + 4, "u3", "wool")]
    for fact in more:  # the first is of before T: what the batch layer has counted, or will count
        write(config, [fact])
    assert_state(redis_conn, config, before + more[1:], now + 4)
    assert publish(redis_conn, config, before + more, last + 2, "w")
    assert_state(redis_conn, config, before + more, now + 4)


def test_a_merge_reaches_over_as_many_minutes_as_are_kept(config: Config, redis_conn: redis.Redis) -> None:
    long = dataclasses.replace(config.keywords, retention_minutes=10_000, half_life_minutes=1440)
    config = dataclasses.replace(config, keywords=long)
    minutes = range(START, START + 9_000)
    write(config, [(minute, "u", "coat") for minute in minutes])
    keys, horizon, at = Keys(config.redis.prefix), START + 10, minutes[-1]
    assert activate_baseline(config, "v", horizon, 0.0, [1.0] * 24)
    seen = sum(2 ** ((minute - horizon) / 1440) for minute in minutes if horizon <= minute <= at - WINDOW)
    assert zset(redis_conn, keys.keyword_base) == pytest.approx({"coat": seen}, rel=1e-9)
    assert float(redis_conn.hget(keys.keyword_meta, "mass") or 0) == pytest.approx(seen, rel=1e-9)


def test_where_time_goes_back_as_nobody_knew_how_far_it_was_people_count_again(
    config: Config, redis_conn: redis.Redis
) -> None:
    """Their sets stand a quarter of an hour after the counts of a minute that a merge has left behind."""
    facts: list[Fact] = [(START, "u", "coat"), (START, "v", "coat")]
    write(config, facts)
    assert publish(redis_conn, config, [], START + 59, "later")
    redis_conn.delete(Keys(config.redis.prefix).keyword_meta)
    write(config, facts)
    assert zset(redis_conn, Keys(config.redis.prefix).keyword_window) == {"coat": 2}
