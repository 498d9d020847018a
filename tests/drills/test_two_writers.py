"""Writers are paused, resumed, killed and started a second time at random: Redis holds what a plain count says."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from common.config import Config
from common.keys import Keys, member
from tests.conftest import fresh
from tests.drills.writer import committed
from tests.integration.item_rows import ranking
from tests.integration.sinks.views_of import CATEGORY, HOUR
from tests.platform import write_config

SCHEDULES, EVENTS, STEPS = 50, 480, 8
Events = list[tuple[str, int]]


class Writers:
    """Processes of one schedule, those that are paused among them."""

    def __init__(self, conf: Path, folder: Path, how: str = "") -> None:
        self.command = [sys.executable, "-m", "tests.drills.writer", str(conf), str(folder), how]
        self.live: list[subprocess.Popen[bytes]] = []
        self.paused: list[subprocess.Popen[bytes]] = []
        self.fenced = 0

    def start(self) -> None:
        self.live.append(subprocess.Popen(self.command, stderr=subprocess.PIPE))

    def pause(self, which: int) -> None:
        if self.live:
            process = self.live.pop(which % len(self.live))
            process.send_signal(signal.SIGSTOP)
            self.paused.append(process)

    def resume(self, which: int) -> None:
        if self.paused:
            process = self.paused.pop(which % len(self.paused))
            process.send_signal(signal.SIGCONT)
            self.live.append(process)

    def kill(self, which: int) -> None:
        if self.live:
            process = self.live.pop(which % len(self.live))
            process.kill()
            self.ended(process)

    def ended(self, process: "subprocess.Popen[bytes]") -> None:
        said = process.communicate(timeout=30)[1]
        self.fenced += b"FENCED" in said or b"written by another" in said

    def finish(self, all_written: Callable[[], bool]) -> None:
        """Resumes all, and starts more until everything is written; then waits for every process."""
        while self.paused:
            self.resume(0)
        deadline = time.monotonic() + 60
        while not all_written():
            assert time.monotonic() < deadline
            if all(process.poll() is not None for process in self.live):
                self.start()
            time.sleep(0.05)
        for process in self.live:
            self.ended(process)


def drawn_events(chance: random.Random) -> Events:
    """Views of few items over few minutes, so that values grow all the time."""
    return [(f"i-{chance.randrange(6)}", HOUR + n * 30 // EVENTS - chance.randrange(3)) for n in range(EVENTS)]


def run_schedule(config: Config, folder: Path, chance: random.Random, events: Events, how: str = "") -> int:
    """One schedule to its end; how often a writer was told that another writes."""
    (folder / "events.json").write_text(json.dumps(events))
    writers = Writers(write_config(config, folder), folder, how)
    writers.start()
    for _ in range(STEPS):
        time.sleep(chance.uniform(0.2, 1.5))
        step = chance.choice([writers.pause, writers.pause, writers.resume, writers.kill])
        step(chance.randrange(10))
        if not writers.live or chance.random() < 0.3:
            writers.start()
    writers.finish(lambda: committed(folder) >= len(events))
    return writers.fenced


def stands(client: redis.Redis, config: Config) -> dict[tuple[str, int], int]:
    """(item, minute) → views, as the fact hashes have them."""
    found = {}
    for minute in range(HOUR - 3, HOUR + 31):
        for name, value in client.hgetall(Keys(config.redis.prefix).item_fact(minute)).items():
            found[name.decode().rpartition("\x1f")[2], minute] = int(value.split(b"|")[1].split(b",")[0])
    return found


def test_fifty_random_schedules_of_pause_resume_kill_and_second_start(
    platform: Config,
    redis_conn: redis.Redis,
    tmp_path_factory: pytest.TempPathFactory,
    capfd: pytest.CaptureFixture[str],
) -> None:
    told = 0
    for seed in range(SCHEDULES):
        chance, folder = random.Random(seed), tmp_path_factory.mktemp("schedule")
        config, events = fresh(platform, folder), drawn_events(chance)
        told += run_schedule(config, folder, chance, events)
        expected = Counter(events)
        assert stands(redis_conn, config) == expected, seed
        views: Counter[str] = Counter()
        for (item, _), number in expected.items():
            views[member(CATEGORY, item)] += number
        assert ranking(redis_conn, config, "views-1h") == views, seed
    with capfd.disabled():
        print(f"{SCHEDULES} schedules: Redis as counted each time; {told} times a writer was told that another writes")
    assert told > 0


def test_without_the_fence_such_a_schedule_goes_wrong(
    platform: Config, redis_conn: redis.Redis, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wrong = 0
    for seed in range(SCHEDULES):
        chance, folder = random.Random(seed), tmp_path_factory.mktemp("unfenced")
        config, events = fresh(platform, folder), drawn_events(chance)
        run_schedule(config, folder, chance, events, "unfenced")
        wrong += stands(redis_conn, config) != Counter(events)
        if wrong:
            break
    assert wrong
