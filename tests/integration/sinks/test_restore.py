"""What a restore leaves standing and what it replaces, in the minutes before, at and after the horizon T."""

from typing import Any

import pytest
import redis

from common.config import Config
from common.keys import Keys, member, user_field
from common.sinks.rankings import activate
from common.sinks.redis_facts import BATCH, RESTORE
from tests.integration.item_rows import ranking, write_rows
from tests.integration.sinks.views_of import HOUR, capped, decayed_in_redis, item_row, user_row

T = HOUR + 30
MINUTES = {"before T": T - 1, "at T": T, "after T": T + 1}
COUNTED_BY = {T - 1: "the lake", T: "the stream", T + 1: "the stream"}  # who is right where both have spoken
Rows = list[tuple[Any, ...]]


def streamed_then_merged(config: Config, rows: Rows) -> None:
    """The stream has written, then a merge moved the horizon to T, with nothing in its base."""
    write_rows(config, rows)
    assert activate(config, "v1", T)


@pytest.mark.parametrize("minute", MINUTES.values(), ids=list(MINUTES))
def test_item_facts_from_t_on_are_the_streams_and_before_it_the_lakes(
    config: Config, redis_conn: redis.Redis, minute: int
) -> None:
    streamed_then_merged(config, [item_row("i", minute, 5), item_row("now", T + 2, 1)])
    write_rows(config, [item_row("i", minute, 3), item_row("lost", minute, 4)], RESTORE)
    views = 3 if COUNTED_BY[minute] == "the lake" else 5
    assert ranking(redis_conn, config, "views-1h")[member("c", "i")] == views
    assert ranking(redis_conn, config, "views-1h")[member("c", "lost")] == 4
    stored = redis_conn.hget(Keys(config.redis.prefix).item_fact(minute), member("c", "i")) or b""
    assert stored.startswith(f"{views},".encode())
    expected = {} if minute < T else {member("c", "i"): 5.0, member("c", "lost"): 4.0}  # before T the base has it
    scores = decayed_in_redis(redis_conn, config, "popular", minute, 1440)
    assert {name: score for name, score in scores.items() if name != member("c", "now")} == pytest.approx(expected)


@pytest.mark.parametrize("minute", MINUTES.values(), ids=list(MINUTES))
def test_what_one_person_did_too_often_follows_the_item_facts_it_is_taken_off(
    config: Config, redis_conn: redis.Redis, minute: int
) -> None:
    three = capped(config, 3)
    streamed_then_merged(three, [item_row("i", minute, 4), user_row("u", "i", minute, 4), item_row("now", T + 2, 1)])
    lake = [item_row("i", minute, 6), user_row("u", "i", minute, 6), item_row("j", minute, 9)]
    write_rows(three, [*lake, user_row("u", "j", minute, 9)], RESTORE)
    # three count of the stream's four, as of the lake's six and of nine of which Redis knew nothing
    assert ranking(redis_conn, three, "views-1h")[member("c", "i")] == 3
    assert ranking(redis_conn, three, "views-1h")[member("c", "j")] == 3
    expected = {} if minute < T else {member("c", "i"): 3.0, member("c", "j"): 3.0}
    scores = decayed_in_redis(redis_conn, three, "popular", minute, 1440)
    standing = {name: score for name, score in scores.items() if name != member("c", "now")}
    assert standing == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("minute", MINUTES.values(), ids=list(MINUTES))
def test_an_older_count_of_the_lake_gives_nothing_back_that_the_stream_took_off(
    config: Config, redis_conn: redis.Redis, minute: int
) -> None:
    three = capped(config, 3)
    streamed_then_merged(three, [item_row("i", minute, 7), user_row("u", "i", minute, 7), item_row("now", T + 2, 1)])
    write_rows(three, [item_row("i", minute, 2), user_row("u", "i", minute, 2)], RESTORE)
    views = 2 if COUNTED_BY[minute] == "the lake" else 3
    assert ranking(redis_conn, three, "views-1h")[member("c", "i")] == views


@pytest.mark.parametrize("minute", MINUTES.values(), ids=list(MINUTES))
def test_user_facts_that_stand_stay_and_absent_ones_are_added(
    config: Config, redis_conn: redis.Redis, minute: int
) -> None:
    streamed_then_merged(config, [user_row("u", "i", minute, 5), item_row("now", T + 2, 1)])
    write_rows(config, [user_row("u", "i", minute, 3), user_row("u", "j", minute, 4)], RESTORE)
    facts = redis_conn.hgetall(Keys(config.redis.prefix).user_facts("u"))
    assert {name.decode(): int(value.split(b",")[0]) for name, value in facts.items()} == {
        user_field(minute, "c", "i"): 5,
        user_field(minute, "c", "j"): 4,
    }


def test_the_stream_replaces_what_was_restored_and_the_batch_layer_writes_no_user_facts(
    config: Config, redis_conn: redis.Redis
) -> None:
    write_rows(config, [item_row("i", T, 2), user_row("u", "i", T, 2)], RESTORE)
    write_rows(config, [item_row("i", T, 5), user_row("u", "i", T, 5)])
    write_rows(config, [user_row("u", "i", T, 9)], BATCH)
    facts = redis_conn.hgetall(Keys(config.redis.prefix).user_facts("u"))
    assert [value.split(b",")[0] for value in facts.values()] == [b"5"]
    assert ranking(redis_conn, config, "views-1h") == {member("c", "i"): 5}
