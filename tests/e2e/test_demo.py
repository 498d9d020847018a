"""`make demo` as a user runs it: ready, rankings served, a clean end, nothing left running."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.process import any_port, log_tail, port_free, start, wait_until
from local.ready import not_ready

READY_SECONDS = 240
STOP_SECONDS = 15
# The servers of the whole run are up and have the usual ports: of two that start at once both would choose them.
pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("platform")]


@dataclass
class RunningDemo:
    """A demo in a process of its own."""

    process: "subprocess.Popen[bytes]"
    port: int
    state: Path
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def await_ready(self) -> None:
        ready = wait_until(lambda: not_ready(self.address) is None or self.process.poll() is not None, READY_SECONDS)
        assert ready and self.process.poll() is None, log_tail(self.log, 12)

    def answer(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=10) as answer:
            return json.loads(answer.read())

    def left(self) -> list[str]:
        """Command lines of live processes that know of this demo's folder."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ", "status"]):
            info = process.info
            mine = str(self.state) in " ".join([*(info["cmdline"] or ()), *(info["environ"] or {}).values()])
            if mine and info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                found.append(" ".join(info["cmdline"] or ()))
        return found


@pytest.fixture
def demo(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningDemo]:
    """Started with the given options on a state folder of its own; stopped in any case."""
    state, port = tmp_path / "state", any_port()
    command = [Path(sys.executable).with_name("stylestream"), "demo", "--port", str(port), "--state", state]
    log = tmp_path / "demo.log"
    short = {"STYLESTREAM_SIMULATOR__HISTORY_MINUTES": "2"}  # so that all of it is in the hour of views-1h
    process = start([*command, *request.param], log, short)
    yield RunningDemo(process, port, state, log)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS + 5)


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
