"""The first and the last minute of a window, of facts and of what the cap takes off them."""

import pytest
import redis

from common.config import Config
from common.keys import member
from common.sinks.redis_facts import BATCH, RESTORE, STREAM
from tests.integration.item_rows import ranking, write, write_rows
from tests.integration.sinks.views_of import HOUR, capped, item_row, user_row

START = HOUR + 59
WINDOWS = [("views-10m", 10), ("views-1h", 60), ("views-24h", 1440)]


@pytest.mark.parametrize("source", [STREAM, BATCH, RESTORE])
@pytest.mark.parametrize(("name", "minutes"), WINDOWS)
def test_what_comes_late_counts_from_the_minute_after_as_of_less_the_window(
    config: Config, redis_conn: redis.Redis, name: str, minutes: int, source: str
) -> None:
    as_of = START + minutes
    write(config, [(as_of, "c", "now", 1)])
    write(config, [(as_of - minutes, "c", "out", 2), (as_of - minutes + 1, "c", "in", 3)], source)
    for scope in ("*", "c"):
        assert ranking(redis_conn, config, name, scope) == {member("c", "now"): 1, member("c", "in"): 3}


@pytest.mark.parametrize(("name", "minutes"), WINDOWS)
@pytest.mark.parametrize("step", [1, 7])
def test_a_minute_leaves_its_window_exactly_when_as_of_is_a_window_later(
    config: Config, redis_conn: redis.Redis, name: str, minutes: int, step: int
) -> None:
    write(config, [(START, "c", "first", 2), (START + step, "c", "second", 3)])
    for as_of in (START + minutes - 1, START + minutes, START + minutes + step - 1, START + minutes + step):
        write(config, [(as_of, "other", "last", 1)])
        expected = {member("c", i): n for i, m, n in (("first", START, 2), ("second", START + step, 3))}
        left = {"first": START, "second": START + step}
        standing = {k: n for k, n in expected.items() if left[k.split("\x1f")[1]] > as_of - minutes}
        assert ranking(redis_conn, config, name, "c") == standing
    assert ranking(redis_conn, config, name, "c") == {}


@pytest.mark.parametrize(("name", "minutes"), WINDOWS)
@pytest.mark.parametrize("jump", [-1, 0, 1])
def test_a_jump_of_a_whole_window_empties_it_and_one_minute_less_does_not(
    config: Config, redis_conn: redis.Redis, name: str, minutes: int, jump: int
) -> None:
    write(config, [(START, "c", "before", 2)])
    write(config, [(START + minutes + jump, "c", "after", 1)])
    before = {member("c", "before"): 2} if jump < 0 else {}
    for scope in ("*", "c"):
        assert ranking(redis_conn, config, name, scope) == {member("c", "after"): 1, **before}


@pytest.mark.parametrize(("name", "minutes"), WINDOWS)
def test_what_the_cap_took_off_leaves_with_its_minute(
    config: Config, redis_conn: redis.Redis, name: str, minutes: int
) -> None:
    three = capped(config, 3)
    write_rows(three, [item_row("i", START, 5), user_row("u", "i", START, 5)])
    write_rows(three, [item_row("i", START + 1, 4), user_row("u", "i", START + 1, 4)])  # in the hour after
    for as_of, views in ((START + minutes - 1, 6), (START + minutes, 3), (START + minutes + 1, 0)):
        write_rows(three, [item_row("last", as_of, 1)])
        assert ranking(redis_conn, config, name).get(member("c", "i"), 0) == views


@pytest.mark.parametrize(("name", "minutes"), WINDOWS)
def test_the_cap_takes_nothing_off_a_window_that_the_minute_has_left(
    config: Config, redis_conn: redis.Redis, name: str, minutes: int
) -> None:
    three = capped(config, 3)
    write_rows(three, [item_row("i", START + 1 + minutes, 1)])
    for minute in (START + 1, START + 2):
        write_rows(three, [item_row("i", minute, 2), user_row("u", "i", minute, 2)])
    assert ranking(redis_conn, config, name) == {member("c", "i"): 1 + 1}  # of the second two one, and the last
