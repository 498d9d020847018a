"""A query that dies is started again, later each time; that Redis is away ends nothing."""

import dataclasses
from pathlib import Path

import pytest

from common.config import Config
from common.config_load import load_config
from common.errors import StylestreamError, UnavailableError
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
    for count, pause in enumerate([1, 2, 4, 8, 16, *[30] * 1030], start=1):
        fails_at(watched, at)
        watched.look_at(at + pause - 0.001)
        assert len(watched.queries) == count
        watched.look_at(at + pause)
        assert len(watched.queries) == count + 1
        at += pause
        assert f"query facts failed: stopped; again in {pause} s\n" in capfd.readouterr().err


@pytest.mark.parametrize("error", [RuntimeError("no brokers"), UnavailableError("Kafka does not answer")])
def test_a_start_that_fails_after_the_query_has_run_is_one_more_failure(
    watched: Watched, capfd: pytest.CaptureFixture[str], error: Exception
) -> None:
    watched.look_at(0)
    fails_at(watched, 0)
    watched.refuses = error
    for at in (1, 3):
        watched.look_at(at)
    watched.refuses = None
    watched.look_at(6.999)
    assert len(watched.queries) == 1
    watched.look_at(7)
    assert len(watched.queries) == 2
    said = capfd.readouterr().err.splitlines()
    assert said[1:] == [f"query facts failed: {error}; again in {pause} s" for pause in (2, 4)]


def test_what_fails_at_the_first_start_or_needs_a_person_is_raised(watched: Watched) -> None:
    watched.refuses = UnavailableError("Kafka does not answer")
    with pytest.raises(UnavailableError):
        watched.look_at(0)
    watched.refuses = None
    watched.look_at(1)
    fails_at(watched, 1)
    watched.refuses = StylestreamError("another topic")
    with pytest.raises(StylestreamError, match="another topic"):
        watched.look_at(2)


def test_the_line_about_a_failure_names_its_cause(watched: Watched, capfd: pytest.CaptureFixture[str]) -> None:
    watched.look_at(0)
    text = "Query terminated\n\n  at org.apache\nCaused by: java.io.IOException: disk full\n  at ErrorUtils.more\n"
    watched.query.die(RuntimeError(text))
    watched.look_at(1)
    assert capfd.readouterr().err == ("query facts failed: Caused by: java.io.IOException: disk full; again in 1 s\n")


def test_the_line_about_a_failure_names_a_damaged_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    watched = Watched(dataclasses.replace(NO_REDIS, checkpoint_path=str(tmp_path)))
    watched.look_at(0)
    empty = tmp_path / "facts" / "offsets" / "7"
    empty.parent.mkdir(parents=True)
    empty.touch()
    watched.query.die(RuntimeError("java.lang.IllegalStateException: Incomplete log file"))
    watched.look_at(1)
    assert capfd.readouterr().err.startswith(
        f"query facts failed: {empty} is empty: stop the stream, remove the folder "
    )


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
