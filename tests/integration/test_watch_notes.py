"""What a watch notes of its query in Redis, how long it stands, and when it is noted."""

from types import SimpleNamespace

import orjson
import pytest
import redis

from common.config import Config
from common.keys import Keys
from tests.watched import TIME_MS, Watched, progress


@pytest.fixture
def watched(config: Config) -> Watched:
    """A query that runs."""
    running = Watched(config)
    running.look_at(0)
    return running


def noted(config: Config, connection: redis.Redis) -> dict[str, object] | None:
    text = connection.get(Keys(config.redis.prefix).progress("facts"))
    return None if text is None else orjson.loads(text)  # type: ignore[arg-type]


def test_progress_is_noted_whole_and_stands_five_minutes(
    watched: Watched, config: Config, redis_conn: redis.Redis
) -> None:
    behind = [SimpleNamespace(metrics={"maxOffsetsBehindLatest": n}) for n in ("7.0", "5")]
    sources = [*behind, SimpleNamespace(metrics={}), SimpleNamespace(metrics=None)]
    watched.query.recentProgress = [progress(3, rows=9, late=(2, 1), sources=sources)]
    watched.look_at(2)
    note = noted(config, redis_conn)
    assert note is not None
    written = note.pop("written_at_ms")
    seconds, micros = redis_conn.time()
    assert isinstance(written, int) and 0 <= seconds * 1000 + micros // 1000 - written + 1 < 300_000
    assert note == {
        "query": "facts",
        "progress_at_ms": TIME_MS,
        "batch_id": 3,
        "rows": 9,
        "rows_per_second": 12.5,
        "batch_ms": 400,
        "phases_ms": {"triggerExecution": 400, "addBatch": 300},
        "as_of_ms": TIME_MS,
        "watermark_ms": TIME_MS - 607_250,
        "late_rows": 3,
        "failures": 0,
        "backlog": 12,
    }
    assert 290 <= redis_conn.ttl(Keys(config.redis.prefix).progress("facts")) <= 300


def test_before_the_first_micro_batch_nothing_is_noted_and_an_idle_one_has_no_rate(
    watched: Watched, config: Config, redis_conn: redis.Redis
) -> None:
    watched.look_at(2)
    assert noted(config, redis_conn) is None
    watched.query.recentProgress = [progress(0, rows=0, eventTime={}, durationMs={})]
    watched.look_at(4)
    note = noted(config, redis_conn) or {}
    assert [note[name] for name in ("rows_per_second", "batch_ms", "as_of_ms", "watermark_ms")] == [0.0, 0, None, None]


def test_late_rows_are_summed_once_for_each_micro_batch_also_over_a_new_start(
    watched: Watched, config: Config, redis_conn: redis.Redis
) -> None:
    batches = [progress(0, 5, late=(1,)), progress(1, 5, late=(0, 10)), progress(2, 5), progress(3, 5, late=(100,))]
    sums = []
    for n, until in enumerate((1, 2, 2, 4), start=1):
        watched.query.recentProgress = batches[max(0, until - 3) : until]  # Spark forgets the oldest
        watched.look_at(2 * n)
        sums.append((noted(config, redis_conn) or {})["late_rows"])
    assert sums == [1, 11, 11, 111]
    watched.query.die()
    watched.look_at(10)
    watched.look_at(11)
    watched.query.recentProgress = [progress(4, 5, late=(1000,))]
    watched.look_at(12)
    note = noted(config, redis_conn) or {}
    assert (note["late_rows"], note["failures"]) == (1111, 0)


def test_a_note_is_made_every_two_seconds_and_counts_failures_until_rows_come(
    watched: Watched, config: Config, redis_conn: redis.Redis
) -> None:
    watched.query.die()
    watched.look_at(1)
    watched.look_at(2)
    batches = []
    for at, number in ((4, 0), (5, 1), (5.999, 2), (6, 3)):
        watched.query.recentProgress = [progress(number)]
        watched.look_at(at)
        note = noted(config, redis_conn) or {}
        batches.append((note["batch_id"], note["failures"]))
    assert batches == [(0, 1), (0, 1), (0, 1), (3, 1)]
