"""Every part of a running demo is killed, one after another: each is back and fresh soon, and no figure is wrong.

`make drill`: some five minutes. Prints how long each took.
"""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.process import log_tail, wait_until
from tests.running_demo import RunningDemo, running_demo

FRESH_SECONDS = 40
PARTS = {
    "stream": "stylestream stream facts",
    "lake": "stylestream stream lake",
    "serve": "stylestream serve",
    "schedule": "stylestream schedule",
    "redis": "redis-server",
    "kafka": "kafka.Kafka",
}


class Shopper(threading.Thread):
    """Views one item again and again, each view sent until it is accepted."""

    def __init__(self, demo: RunningDemo) -> None:
        super().__init__(daemon=True)
        self.demo, self.accepted, self.over = demo, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            event = {
                "event_id": f"drill-{self.accepted}",
                "event_type": "view",
                "item_id": "drill",
                "category": "drill",
            }
            event |= {"user_id": f"u-{self.accepted}", "event_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            while not self._sent(event):
                time.sleep(0.2)
            self.accepted += 1

    def _sent(self, event: dict[str, str]) -> bool:
        head = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.demo.address}/v1/events", json.dumps(event).encode(), head)
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return bool(answer.status == 202)
        except (OSError, urllib.error.URLError):
            return False


def counted(demo: RunningDemo) -> int:
    """The views of the item as the API tells."""
    try:
        items = demo.answer("/v1/rankings/views-1h?category=drill&limit=1")["items"]
    except (OSError, ValueError):
        return -1
    return int(items[0]["score"]) if items else 0


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[RunningDemo]:
    with running_demo(tmp_path, ["--rate", "50"]) as running:
        running.await_ready()
        yield running


def kill(demo: RunningDemo, line: str) -> None:
    (process,) = [process for process, command in demo.processes() if line in command and "sh -c" not in command]
    process.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 5)


def seconds_until_fresh(demo: RunningDemo, shopper: Shopper, line: str) -> float:
    """Kills the process with that in its command line; until it runs again and what is sent now is counted."""
    kill(demo, line)
    began, before = time.monotonic(), shopper.accepted
    assert wait_until(lambda: any(line in command for command in demo.left()), 60), log_tail(demo.log, 12)
    assert wait_until(lambda: counted(demo) > before + 1, 240), (line, log_tail(demo.log, 12))
    return time.monotonic() - began


def audit(demo: RunningDemo) -> str:
    command = [Path(sys.executable).with_name("stylestream"), "audit", "--wait", "180"]
    env = {"STYLESTREAM_STATE_DIR": str(demo.state), "STYLESTREAM_LAKE_PATH": str(demo.state / "lake")}
    said = subprocess.run([*command], env=env, capture_output=True, text=True, check=False)
    return said.stdout + said.stderr


def test_stream_lake_api_schedule_redis_and_kafka_are_killed_and_all_is_fresh_and_exact_again(
    demo: RunningDemo, capfd: pytest.CaptureFixture[str]
) -> None:
    shopper = Shopper(demo)
    shopper.start()
    assert wait_until(lambda: counted(demo) > 0, 60), log_tail(demo.log, 12)
    took = {}
    for name, line in PARTS.items():
        took[name] = seconds_until_fresh(demo, shopper, line)
        with capfd.disabled():
            print(f"{name} killed: fresh again after {took[name]:.0f} s", flush=True)
    shopper.over.set()
    shopper.join(30)
    assert wait_until(lambda: counted(demo) == shopper.accepted, 60), (counted(demo), shopper.accepted)
    said = audit(demo)
    with capfd.disabled():
        print(f"{shopper.accepted} views accepted and counted", said.splitlines()[-1], sep="\n", flush=True)
    assert "late: balanced" in said, said
    problems = [line for line in demo.log.read_text(encoding="utf-8").splitlines() if "PROBLEM" in line]
    assert len(problems) == len(PARTS), problems
    assert "restarts" in demo.answer("/readyz")["parts"]
    demo.process.send_signal(signal.SIGTERM)
    assert {name: seconds for name, seconds in took.items() if seconds > FRESH_SECONDS} == {}
