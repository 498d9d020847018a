"""A user is forgotten up to a moment: to the millisecond, to the minute, and never to an earlier one than before."""

import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.sinks.forget import forget_in_redis
from common.sinks.redis_facts import RESTORE, STREAM
from tests.integration.item_rows import write_rows
from tests.integration.test_forget import fact

AHEAD = 300_000  # ms an event's own time may be ahead: five minutes
MINUTE = 29_000_000
ASKED = MINUTE * 60_000 - AHEAD + 250  # what may be accepted by then ends 250 ms into MINUTE
LAST = ASKED + AHEAD


def minutes(connection: redis.Redis, keys: Keys) -> set[int]:
    return {int(field.split(b"\x1f")[0]) - MINUTE for field in connection.hkeys(keys.user_facts("u-1"))}


def test_an_action_at_the_last_moment_goes_and_one_a_millisecond_later_stays(
    config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    for key in (keys.recent("u-1"), keys.shown("u-1")):
        redis_conn.zadd(key, {"asked": ASKED, "before": LAST - 1, "at": LAST, "after": LAST + 1})
    redis_conn.zadd(keys.sessions("u-1"), {"before": ASKED - 1, "at": ASKED, "after": ASKED + 1, "ahead": LAST})
    forget_in_redis(redis_conn, keys, "u-1", ASKED, (), 60)
    for key in (keys.recent("u-1"), keys.shown("u-1")):
        assert redis_conn.zrange(key, 0, -1) == [b"after"]
    assert redis_conn.zrange(keys.sessions("u-1"), 0, -1) == [b"after", b"ahead"]


@pytest.mark.parametrize("source", [STREAM, RESTORE])
def test_the_minute_that_was_going_on_goes_whole_and_does_not_come_back(
    config: Config, redis_conn: redis.Redis, source: str
) -> None:
    keys, facts = Keys(config.redis.prefix), [fact("u-1", MINUTE + n) for n in (-6, -1, 0, 1)]
    write_rows(config, facts)
    assert minutes(redis_conn, keys) == {-6, -1, 0, 1}
    forget_in_redis(redis_conn, keys, "u-1", ASKED, (), 60)
    assert minutes(redis_conn, keys) == {1}
    write_rows(config, facts, source)
    assert minutes(redis_conn, keys) == {1}


@pytest.mark.parametrize(("shift", "goes"), [(-1, {-1}), (0, {-1, 0}), (59_999, {-1, 0}), (60_000, {-1, 0, 1})])
def test_a_minute_is_gone_from_its_first_millisecond_on(
    config: Config, redis_conn: redis.Redis, shift: int, goes: set[int]
) -> None:
    keys = Keys(config.redis.prefix)
    write_rows(config, [fact("u-1", MINUTE + n) for n in (-1, 0, 1)])
    forget_in_redis(redis_conn, keys, "u-1", MINUTE * 60_000 - AHEAD + shift, (), 60)
    assert minutes(redis_conn, keys) == {-1, 0, 1} - goes


def test_a_later_request_moves_the_moment_and_an_older_one_does_not(config: Config, redis_conn: redis.Redis) -> None:
    keys, stands = Keys(config.redis.prefix), []
    for asked, seconds in ((ASKED, 600), (ASKED - 1, 60), (ASKED, 700), (ASKED + 1, 800)):
        forget_in_redis(redis_conn, keys, "u-1", asked, (), seconds)
        left = redis_conn.ttl(keys.forgotten("u-1"))
        stands.append((int(redis_conn.get(keys.forgotten("u-1")) or 0) - LAST, -(-left // 100) * 100))
    assert stands == [(0, 600), (0, 600), (0, 700), (1, 800)]


def test_what_an_id_is_stays_known_while_anything_of_it_stays(config: Config, redis_conn: redis.Redis) -> None:
    keys = Keys(config.redis.prefix)
    kept_by = {"u-1": keys.recent("u-1"), "u-2": keys.user_facts("u-2"), "u-3": ""}
    for user, key in kept_by.items():
        redis_conn.set(keys.kind(user), "u")
        redis_conn.set(keys.candidates("v1", user), b"[]")
        if user == "u-1":
            redis_conn.zadd(key, {"later": LAST + 1})
        elif key:
            write_rows(config, [fact(user, MINUTE + 1)])
        forget_in_redis(redis_conn, keys, user, ASKED, ("v1",), 60)
    assert [redis_conn.exists(keys.kind(user)) for user in kept_by] == [1, 1, 0]
    assert [redis_conn.exists(keys.candidates("v1", user)) for user in kept_by] == [0, 0, 0]
