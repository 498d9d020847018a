"""Rankings after hours and days without a write, or without a newer event: against a count of all that was written."""

import dataclasses

import pyarrow as pa
import pytest
import redis

from common.config import Config
from common.keys import ALL, Keys, member
from common.redis_client import redis_target
from common.sinks.rankings import BaseWriter, activate, settled_minute
from common.sinks.redis_facts import BATCH, STREAM
from tests.integration.item_rows import ranking, write_rows
from tests.integration.redis_clock import DAY, HOUR, MINUTE, let_pass
from tests.integration.sinks.views_of import CATEGORY, Views, capped, counted, decayed, decayed_in_redis, rows_of
from tests.integration.sinks.views_of import HOUR as START
from tests.integration.sinks.views_of import windowed as in_window

MOST = 3
LENGTHS = [20 * HOUR, 26 * HOUR, 40 * HOUR, 3 * DAY, 14 * DAY, 20 * DAY]


def views(first: int, minutes: int) -> Views:
    """Three items, each looked at now and then by several people, one of whom does it too often."""
    found: Views = {}
    for n, minute in enumerate(range(first, first + minutes, 7)):
        found["u", f"i{n % 3}", minute] = 1
        found["bot", f"i{n % 2}", minute] = 1 + n % 5
    return found


class Shop:
    """The sink, and beside it all that was written."""

    def __init__(self, config: Config, client: redis.Redis) -> None:
        self.config, self.client, self.seen = config, client, Views()

    def write(self, more: Views, source: str = STREAM) -> None:
        self.seen |= more
        write_rows(self.config, rows_of(more), source)

    def check(self, decays: bool = True) -> None:
        """All rankings are the count."""
        counts, as_of = counted(self.seen, MOST), max(minute for _, _, minute in self.seen)
        for r in self.config.rankings.definitions:
            for scope in (ALL, CATEGORY):
                if r.kind == "window":
                    stands = {k: n for k, n in ranking(self.client, self.config, r.name, scope).items() if n}
                    assert stands == in_window(counts, as_of, r.minutes), (r.name, scope)
                elif decays:
                    scores = decayed_in_redis(self.client, self.config, r.name, as_of, r.minutes, scope)
                    assert scores == pytest.approx(decayed(counts, as_of, r.minutes), rel=1e-9, abs=1e-9)


@pytest.fixture
def config(apart: Config) -> Config:
    redis.Redis.from_url(apart.redis.url).flushall()
    return apart


@pytest.fixture
def shop(config: Config, redis_conn: redis.Redis) -> Shop:
    return Shop(capped(config, MOST), redis_conn)


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_backlog_after_an_outage_leaves_every_ranking_as_if_there_had_been_none(shop: Shop, seconds: int) -> None:
    for first in range(START, START + 1540, 385):
        shop.write(views(first, 385))
    let_pass(shop.client, shop.config, seconds)
    for step in range(7):  # more than a day, in steps shorter than most windows
        backlog = views(START + 1540 + 231 * step, 231)
        shop.write(backlog)
        shop.check()
        let_pass(shop.client, shop.config, HOUR)
    shop.write(backlog)  # after a restart
    shop.check()


def test_a_replay_that_is_paused_again_and_again_loses_nothing_of_its_windows(shop: Shop) -> None:
    for step in range(20):
        shop.write(views(START + 147 * step, 147))
        shop.check()
        let_pass(shop.client, shop.config, 20 * HOUR)


def test_days_without_an_event_in_which_batch_facts_runs_and_then_the_same_rows_again_change_nothing(
    shop: Shop,
) -> None:
    shop.write(views(START, 1435))
    before = {key: n for key, n in shop.seen.items() if key[2] < START + 1400}
    for _ in range(16):
        let_pass(shop.client, shop.config, 50 * HOUR)
        shop.write(before, BATCH)
    shop.check()
    shop.write(dict(shop.seen))
    shop.check()


@pytest.mark.parametrize("source", [STREAM, BATCH])
def test_without_its_newest_minute_a_window_is_made_anew_of_the_facts_that_stand(shop: Shop, source: str) -> None:
    """Also where the first rows to come are older than what stands, as those of `batch facts`."""
    shop.write(views(START, 1540))
    shop.client.delete(Keys(shop.config.redis.prefix).as_of)
    older = {key: n for key, n in shop.seen.items() if START + 700 < key[2] < START + 800}
    for views_again in ({k: n for k, n in older.items() if k[2] % 2}, older):
        shop.write(views_again, source)
        shop.check()
    shop.write(views(START + 1540, 700))
    shop.check()


def test_after_as_of_and_all_facts_have_gone_a_window_begins_from_nothing(shop: Shop) -> None:
    shop.write(views(START, 700))
    let_pass(shop.client, shop.config, 31 * DAY)
    shop.seen.clear()
    for step in range(3):
        shop.write(views(START + 700 + 600 * step, 600))
        shop.check(decays=False)  # the long ones remember for longer


def test_a_merge_without_the_newest_minute_adds_the_streams_minutes_from_t_on(shop: Shop) -> None:
    shop.write({("u", "i", minute): 1 for minute in range(START, START + 90, 3)})
    horizon, target = START + 60, redis_target(shop.config)
    for r in shop.config.rankings.definitions:
        scores = decayed(counted({k: n for k, n in shop.seen.items() if k[2] < horizon}, MOST), horizon, r.minutes)
        rows = {"category": [CATEGORY] * len(scores), "member": list(scores), "score": list(scores.values())}
        writer = BaseWriter(target, shop.config.redis.prefix, r.name, "v", 3600, 10)
        list(writer(iter([pa.RecordBatch.from_pydict(rows)])) if r.kind == "decay" else [])
    shop.client.delete(Keys(shop.config.redis.prefix).as_of)
    assert settled_minute(shop.config) is None
    assert activate(shop.config, "v", horizon)
    shop.check()


def facts_of(client: redis.Redis, config: Config) -> set[int]:
    """The minutes of which facts stand."""
    return {int(key.rsplit(b":", 1)[1]) for key in client.scan_iter(f"{config.redis.prefix}:*:f:*")}


def test_facts_go_when_they_are_as_old_as_is_kept_and_not_before(config: Config, redis_conn: redis.Redis) -> None:
    """Events every twelve hours, for longer than until all is renewed; then days without any."""
    few = dataclasses.replace(config, rankings=dataclasses.replace(config.rankings, retention_hours=48))
    shop = Shop(capped(few, MOST), redis_conn)
    for hour in range(0, 12 * 24, 12):
        shop.write({("bot", "i", START + 60 * hour): 5})
        let_pass(redis_conn, few, MINUTE)
        kept = {START + 60 * before for before in range(max(0, hour - 36), hour + 1, 12)}
        assert facts_of(redis_conn, few) == kept
        assert len(redis_conn.keys(f"{few.redis.prefix}:*:[px]:*")) <= 2 * (len(kept) + 1)
        let_pass(redis_conn, few, 12 * HOUR - MINUTE)
    let_pass(redis_conn, few, 5 * DAY)
    assert facts_of(redis_conn, few) == kept
    shop.check()


def test_what_a_replay_at_full_speed_has_left_behind_stands_for_a_merge(
    config: Config, redis_conn: redis.Redis
) -> None:
    for week in range(6):
        write_rows(config, rows_of({("u", "i", START + 10_080 * week): 1}))
        let_pass(redis_conn, config, MINUTE)
    let_pass(redis_conn, config, 49 * HOUR)
    assert facts_of(redis_conn, config) == {START + 10_080 * week for week in range(6)}
    let_pass(redis_conn, config, HOUR)
    assert facts_of(redis_conn, config) == {START + 10_080 * 5}


def test_a_batch_job_shortens_no_categorys_time(config: Config, redis_conn: redis.Redis) -> None:
    keys = Keys(config.redis.prefix)
    write_rows(config, rows_of({("u", "i", START): 1}))
    before = redis_conn.ttl(keys.tree)
    rows = pa.RecordBatch.from_pydict({"category": ["d"], "member": [member("d", "j")], "score": [1.0]})
    list(BaseWriter(redis_target(config), config.redis.prefix, "popular", "v", 3600, 10)(iter([rows])))
    assert before - 60 <= redis_conn.ttl(keys.tree)
    assert redis_conn.zrange(keys.tree, 0, -1) == [b"c", b"d"]
