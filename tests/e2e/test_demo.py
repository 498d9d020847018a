"""`make demo` as a user runs it: ready, rankings served, a clean end, nothing left running."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.process import log_tail, port_free, wait_until
from tests.running_demo import READY_SECONDS, STOP_SECONDS, RunningDemo, running_demo

# The servers of the whole run are up and have the usual ports.
pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("platform")]


@pytest.fixture
def demo(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningDemo]:
    with running_demo(tmp_path, request.param) as running:
        yield running


@pytest.mark.parametrize("demo", [["--seconds", "25", "--rate", "200"]], indirect=True)
def test_the_demo_serves_rankings_and_ends_by_itself(demo: RunningDemo) -> None:
    demo.await_ready()
    assert wait_until(lambda: bool(demo.answer("/v1/rankings/views-1h?limit=5")["items"]), 15)
    ranking = demo.answer("/v1/rankings/views-1h?limit=5")
    assert [item["rank"] for item in ranking["items"]] == list(range(1, len(ranking["items"]) + 1))
    scores = [item["score"] for item in ranking["items"]]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0
    assert demo.process.wait(60) == 0, log_tail(demo.log, 12)
    assert f"READY: {demo.address}" in demo.log.read_text(encoding="utf-8")
    assert demo.left() == []
    assert port_free(demo.port)


@pytest.mark.parametrize("demo", [["--rate", "50"]], indirect=True)
def test_sigterm_stops_everything_within_15_seconds(demo: RunningDemo) -> None:
    servers_are_up = demo.state / "logs" / "serve.log"
    assert wait_until(lambda: servers_are_up.exists() or demo.process.poll() is not None, READY_SECONDS)
    assert demo.left() != []
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(STOP_SECONDS) == 0, log_tail(demo.log, 12)
    assert demo.left() == []
