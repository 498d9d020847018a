"""What is no more is written as such: of items, of people, of what was bought."""

from typing import Any

import pytest
import redis

from batch.patterns import ACTIONS
from batch.publish import put_profile
from common.config import Config
from common.keys import ALL, Keys, member
from common.sinks.redis_facts import BATCH, RESTORE, STREAM
from tests.integration.item_rows import ranking, write_rows
from tests.integration.sinks.views_of import CATEGORY, HOUR, capped, item_row, user_row

NOW = HOUR + 30
LISTS = dict.fromkeys(("categories", "styles", "brands", "prices", "bands", "last"), ())
PATTERN = {"hours": [0] * 24, "counts": [0] * len(ACTIONS)}


def gone(fact: str, item: str, minute: int, user: str = "") -> tuple[Any, ...]:
    return fact, minute, CATEGORY, item, user, True, ""


def facts_of(client: redis.Redis, config: Config, minute: int) -> set[str]:
    return {name.decode() for name in client.hkeys(Keys(config.redis.prefix).item_fact(minute))}


@pytest.mark.parametrize("source", [STREAM, BATCH, RESTORE])
def test_an_item_of_which_nothing_is_left_in_a_minute_counts_no_longer(
    config: Config, redis_conn: redis.Redis, source: str
) -> None:
    write_rows(config, [item_row("i", NOW, 5), item_row("i", NOW - 1, 2), item_row("j", NOW, 1)])
    assert write_rows(config, [gone("item", "i", NOW), gone("item", "never", NOW)], source) == (source != RESTORE)
    # after T what the stream has counted stands when all is restored
    for scope in (ALL, CATEGORY):
        expected = {member(CATEGORY, "i"): 2.0 if source != RESTORE else 7.0, member(CATEGORY, "j"): 1.0}
        assert ranking(redis_conn, config, "views-1h", scope) == expected
    left = {member(CATEGORY, "j")} | ({member(CATEGORY, "i")} if source == RESTORE else set())
    assert facts_of(redis_conn, config, NOW) == left


def test_a_minute_in_which_all_is_replaced_keeps_its_lifetime(config: Config, redis_conn: redis.Redis) -> None:
    write_rows(config, [item_row("old", NOW, 5)])
    write_rows(config, [item_row("new", NOW, 1), gone("item", "old", NOW)], BATCH)
    assert facts_of(redis_conn, config, NOW) == {member(CATEGORY, "new")}
    assert redis_conn.ttl(Keys(config.redis.prefix).item_fact(NOW)) > 0


def test_what_has_nothing_left_at_all_leaves_the_windows(config: Config, redis_conn: redis.Redis) -> None:
    write_rows(config, [item_row("i", NOW, 5), item_row("j", NOW, 1)])
    assert write_rows(config, [gone("item", "i", NOW)], BATCH) == 1
    assert ranking(redis_conn, config, "views-1h") == {member(CATEGORY, "j"): 1.0}
    assert write_rows(config, [item_row("i", NOW, 4)], BATCH) == 1  # an event that came late
    assert ranking(redis_conn, config, "views-1h")[member(CATEGORY, "i")] == 4


def test_a_bot_that_is_forgotten_takes_with_it_what_was_taken_off(config: Config, redis_conn: redis.Redis) -> None:
    """A thousand views of which three count; then only the five of others are left."""
    three = capped(config, 3)
    bot = [user_row("bot", "i", NOW, 600), user_row("bot", "i", NOW - 1, 400), user_row("ann", "i", NOW, 2)]
    write_rows(three, [item_row("i", NOW, 603), item_row("i", NOW - 1, 402), *bot])
    assert ranking(redis_conn, three, "views-1h") == {member(CATEGORY, "i"): 3 + 3 + 2}
    left = [item_row("i", NOW, 3), item_row("i", NOW - 1, 2), user_row("ann", "i", NOW, 2)]
    write_rows(three, [*left, gone("user", "i", NOW, "bot"), gone("user", "i", NOW - 1, "bot")], BATCH)
    assert ranking(redis_conn, three, "views-1h") == {member(CATEGORY, "i"): 5}
    keys = Keys(config.redis.prefix)
    assert not redis_conn.exists(keys.over(NOW), keys.over(NOW - 1))
    assert {name.decode().split("\x1f")[2] for name in redis_conn.hkeys(keys.repeated(NOW // 60))} == {"ann"}


def test_of_a_person_one_minute_goes_and_the_cap_is_that_of_the_others(config: Config, redis_conn: redis.Redis) -> None:
    three = capped(config, 3)
    rows = [user_row("ann", "i", NOW - 1, 3), user_row("ann", "i", NOW, 9)]
    write_rows(three, [item_row("i", NOW - 1, 3), item_row("i", NOW, 9), *rows])
    assert ranking(redis_conn, three, "views-1h") == {member(CATEGORY, "i"): 3}
    write_rows(three, [gone("item", "i", NOW - 1), gone("user", "i", NOW - 1, "ann")], BATCH)
    assert ranking(redis_conn, three, "views-1h") == {member(CATEGORY, "i"): 3}  # now those of the later minute
    stands = redis_conn.hget(Keys(config.redis.prefix).over(NOW), f"{member(CATEGORY, 'i')}\x1fann")
    assert stands is not None and stands.startswith(b"-6,")


def test_what_was_bought_is_what_the_newest_run_says(config: Config, redis_conn: redis.Redis) -> None:
    keys = Keys(config.redis.prefix)
    bought = [[f"i-{n}" for n in range(first, first + 1000)] for first in (0, 500)]
    for items in (*bought, ["i-1"], []):
        with redis_conn.pipeline(transaction=False) as pipe:
            row = {"user": "u", "bought": items, "pattern": PATTERN, "as_of_ms": 1, "until_ms": 1, **LISTS}
            put_profile(keys)(pipe, row)
            pipe.execute()
        assert redis_conn.smembers(keys.bought("u")) == {item.encode() for item in items}
        assert redis_conn.ttl(keys.bought("u")) > 0 or not items
