"""Hour-of-day factors in Redis: each minute that leaves the window weighs as its own hour, in stream and merge."""

import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.sinks.keyword_baseline import activate_baseline
from tests.integration.search_rows import HALF_LIFE, WINDOW, write

HOURS = [1.0 + 2.0**n / 64 for n in range(24)]
DAY = 20_000 * 1440  # an epoch minute at which a day begins (UTC)


def factor(minute: int) -> float:
    """By the time of day, not by a formula of the scripts."""
    return HOURS[(minute - DAY) % 1440 // 60]


def mass_at(connection: redis.Redis, config: Config, at: int) -> float:
    landmark, mass = map(float, connection.hmget(Keys(config.redis.prefix).keyword_meta, "landmark", "mass"))
    return mass * 2 ** ((landmark - at) / HALF_LIFE)


def mass_of(minutes: list[int], at: int) -> float:
    return sum(factor(m) * 2 ** ((m - at) / HALF_LIFE) for m in minutes if m <= at - WINDOW)


def test_minutes_that_leave_the_window_across_every_hour_of_a_day_weigh_by_their_own(
    config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    redis_conn.hset(keys.keyword_hours, mapping={str(hour): repr(value) for hour, value in enumerate(HOURS)})
    # the last of an hour, the first of the next, one in its midst
    minutes = sorted(DAY + 60 * hour + after for hour in range(26) for after in (-1, 0, 25))
    for minute in minutes:
        write(config, [(minute, "ann", "coat")])
        assert mass_at(redis_conn, config, minute) == pytest.approx(mass_of(minutes, minute), rel=1e-9)


def test_a_late_minute_beyond_the_window_weighs_by_its_own_hour(config: Config, redis_conn: redis.Redis) -> None:
    keys = Keys(config.redis.prefix)
    redis_conn.hset(keys.keyword_hours, mapping={str(hour): repr(value) for hour, value in enumerate(HOURS)})
    at = DAY + 5 * 60 + WINDOW + 2
    write(config, [(at, "ann", "coat")])
    late = [DAY + 5 * 60 - 1, DAY + 5 * 60, at - WINDOW]  # the last has just left the window
    for minute in late:
        write(config, [(minute, "ann", "coat")])
    assert mass_at(redis_conn, config, at) == pytest.approx(mass_of(late, at), rel=1e-9)


@pytest.mark.parametrize("hour", range(24))
def test_a_merge_adds_the_streams_minutes_from_t_on_each_by_the_new_factor_of_its_hour(
    config: Config, redis_conn: redis.Redis, hour: int
) -> None:
    begins = DAY + hour * 60
    minutes = [begins - 11, begins - 10, begins - 1, begins, begins + 1]
    end = begins + 1 + WINDOW
    for minute in (*minutes, end):
        write(config, [(minute, "ann", "coat")])
    horizon = begins - 10  # the first is the batch layer's
    assert activate_baseline(config, "v1", horizon, 3.0, HOURS)
    wanted = 3.0 * 2 ** ((horizon - end) / HALF_LIFE) + mass_of(minutes[1:], end)
    assert mass_at(redis_conn, config, end) == pytest.approx(wanted, rel=1e-9)
    stored = redis_conn.hgetall(Keys(config.redis.prefix).keyword_hours)
    assert {int(name): float(value) for name, value in stored.items()} == dict(enumerate(HOURS))
