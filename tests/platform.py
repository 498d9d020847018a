"""Running the project's own commands in tests: configuration to a file, processes by their real command line."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
import yaml

from common.config import Config
from common.keys import Keys, split_member
from common.schemas import ITEM_MEASURES

POLL = threading.Event()
# A JVM that lives for seconds is through sooner without the optimising compiler.
SHORT_LIVED = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}


def write_config(config: Config, folder: Path) -> Path:
    """The configuration as a file for `--conf`."""
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config.as_tree()), encoding="utf-8")
    return file


@contextmanager
def running(arguments: list[str], conf: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`stylestream <arguments> --conf conf` in a process group of its own; stopped at the end."""
    command = [sys.executable, "-m", "cli.main", *arguments, "--conf", str(conf)]
    with log.open("ab") as out:
        short = os.environ | SHORT_LIVED
        process = subprocess.Popen(command, stdout=out, stderr=out, env=short, start_new_session=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process and all it started: what a lost machine looks like."""
    os.killpg(process.pid, 9)
    process.wait(10)


def run(arguments: list[str], conf: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Runs `stylestream <arguments>` to its end."""
    command = [sys.executable, "-m", "cli.main", *arguments, "--conf", str(conf)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def wait_for(what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
    """Looks at a condition until it holds; fails naming `what` when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        POLL.wait(0.2)


def item_facts_in_redis(connection: redis.Redis, prefix: str) -> dict[tuple[str, str, int], tuple[int, ...]]:
    """(category, item, epoch minute) → measures in the order of `ITEM_MEASURES`, as the stream left them."""
    facts = {}
    minutes = _minutes(connection, prefix)
    for minute, hashed in zip(minutes, _of_each(connection, prefix, minutes, "hgetall"), strict=True):
        for name, value in hashed.items():
            measures = tuple(int(x) for x in value.decode().partition("|")[2].split(","))
            assert len(measures) == len(ITEM_MEASURES)
            facts[(*split_member(name.decode()), minute)] = measures
    return facts


def count_item_facts(connection: redis.Redis, prefix: str) -> int:
    """How many item facts the stream has left."""
    return sum(_of_each(connection, prefix, _minutes(connection, prefix), "hlen"))


def _minutes(connection: redis.Redis, prefix: str) -> list[int]:
    start = f"{Keys(prefix).item}f:"
    keys = connection.scan_iter(match=f"{start}*", count=5000)
    return [int(key.decode().removeprefix(start)) for key in keys]


def _of_each(connection: redis.Redis, prefix: str, minutes: list[int], command: str) -> Iterator[Any]:
    """The answers for each minute's hash, 500 a round trip."""
    for start in range(0, len(minutes), 500):
        with connection.pipeline(transaction=False) as pipe:
            for minute in minutes[start : start + 500]:
                getattr(pipe, command)(Keys(prefix).item_fact(minute))
            yield from pipe.execute()
