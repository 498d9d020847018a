"""A query that dies is started again, later each time; that Redis is away ends nothing."""

import dataclasses

import pytest

from common.config import Config
from common.config_load import load_config
from tests.watched import Watched, progress

REFERENCE = load_config(env={})
# Nothing listens there: every note fails.
NO_REDIS: Config = dataclasses.replace(
    REFERENCE, redis=dataclasses.replace(REFERENCE.redis, url="redis://127.0.0.1:1/0")
)


@pytest.fixture
def watched() -> Watched:
    return Watched(NO_REDIS)


def fails_at(watched: Watched, at: float) -> None:
    watched.query.die()
    watched.look_at(at)


def test_a_query_starts_at_the_first_look_and_only_once(watched: Watched) -> None:
    assert watched.queries == []
    for at in (0, 1, 2, 60):
        watched.look_at(at)
    assert len(watched.queries) == 1


def test_a_query_that_dies_again_and_again_starts_after_1_2_4_8_16_and_then_always_30_seconds(
    watched: Watched, capfd: pytest.CaptureFixture[str]
) -> None:
    watched.look_at(0)
    at = 0.0
    for count, pause in enumerate([1, 2, 4, 8, 16, 30, 30, 30], start=1):
        fails_at(watched, at)
        watched.look_at(at + pause - 0.001)
        assert len(watched.queries) == count
        watched.look_at(at + pause)
        assert len(watched.queries) == count + 1
        at += pause
        assert f"query facts failed: stopped; again in {pause} s\n" in capfd.readouterr().err


def test_the_line_about_a_failure_names_its_cause(watched: Watched, capfd: pytest.CaptureFixture[str]) -> None:
    watched.look_at(0)
    text = "Query terminated\n\n  at org.apache\nCaused by: java.io.IOException: disk full\n  at more\n"
    watched.query.die(RuntimeError(text))
    watched.look_at(1)
    assert capfd.readouterr().err == ("query facts failed: Caused by: java.io.IOException: disk full; again in 1 s\n")


def test_a_micro_batch_with_rows_resets_the_pause_and_one_without_does_not(
    watched: Watched, capfd: pytest.CaptureFixture[str]
) -> None:
    watched.look_at(0)
    fails_at(watched, 1)
    watched.look_at(2)
    fails_at(watched, 3)
    watched.look_at(5)
    watched.query.recentProgress = [progress(7, rows=0)]
    watched.look_at(8)
    fails_at(watched, 9)  # the third failure in a row
    watched.look_at(13)
    watched.query.recentProgress = [progress(7, rows=0), progress(8, rows=1)]
    watched.look_at(16)
    fails_at(watched, 17)
    said = [line for line in capfd.readouterr().err.splitlines() if "again in" in line]
    assert [line.rpartition("again in ")[2] for line in said] == ["1 s", "2 s", "4 s", "1 s"]


def test_a_redis_that_is_down_while_progress_is_noted_is_said_and_ends_neither_query_nor_watch(
    watched: Watched, capfd: pytest.CaptureFixture[str]
) -> None:
    watched.look_at(0)
    watched.query.recentProgress = [progress(0, rows=5)]
    watched.look_at(2)
    assert capfd.readouterr().err.startswith("query facts: progress not noted: Error 111 connecting to 127.0.0.1:1")
    watched.look_at(4)
    assert (len(watched.queries), watched.query.stopped) == (1, 0)
    fails_at(watched, 5)
    watched.look_at(6)
    assert len(watched.queries) == 2


def test_stop_stops_the_query_that_runs_and_without_one_nothing(watched: Watched) -> None:
    watched.watch.stop()
    watched.look_at(0)
    watched.watch.stop()
    assert watched.query.stopped == 1
    fails_at(watched, 1)
    watched.watch.stop()  # waits to be started again
    assert [query.stopped for query in watched.queries] == [1]
