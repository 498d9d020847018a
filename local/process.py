"""Starts, recognises and stops the processes we run; and free ports for them."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOPBACK = "127.0.0.1"
SAME_START_SECONDS = 2.0
# On one machine what somebody waits for comes first: API, Kafka and Redis, then facts and batch jobs, then the lake.
# Linux shares the CPU out by session first, and niceness counts only within one, so the session gets it too.
NICENESS = {"stream": "10", "stream lake": "15", "batch": "10", "schedule": "10"}
# The kernel takes that from one ordinary user in 0.1 s: a few tries.
AT_NICENESS = """
if [ -w /proc/self/autogroup ]; then
  for try in 1 2 3 4 5; do echo "$0" 2>/dev/null >/proc/self/autogroup && break; sleep 0.11; done
fi
exec nice -n "$0" "$@"
"""


@dataclass(frozen=True)
class Running:
    """A process by number and start time, so that a number used again is not taken for it."""

    pid: int
    created: float

    def process(self) -> psutil.Process | None:
        """The live process; None when it has ended, is a zombie, or its number belongs to another."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < SAME_START_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None

    @property
    def alive(self) -> bool:
        return self.process() is not None


def start(command: Sequence[str | Path], log: Path, env: dict[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Starts a process in a session of its own, which our Ctrl-C does not reach; output is added to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )


def at_its_priority(arguments: Sequence[str], command: Sequence[str | Path]) -> list[str]:
    """The command of `stylestream <arguments>`, at its niceness when it is started in a session of its own; as it is
    where the machine has no `nice`."""
    niceness = NICENESS.get(" ".join(arguments[:2]), NICENESS.get(arguments[0]))
    lower = niceness is not None and shutil.which("nice") is not None
    return [*(["sh", "-c", AT_NICENESS, str(niceness)] if lower else []), *map(str, command)]


def running(process: "subprocess.Popen[bytes]") -> Running:
    """Names a process just started; one that has ended already is named with no start time."""
    try:
        return Running(process.pid, psutil.Process(process.pid).create_time())
    except psutil.Error:
        return Running(process.pid, 0.0)


def stop_all(processes: Iterable[Running], seconds: float = 10.0) -> None:
    """SIGTERM to each; after `seconds`, SIGKILL to those left and to what they have left behind."""
    live = [found for one in processes if (found := one.process()) is not None]
    family = [member for process in live for member in _children(process)]
    for process in live:
        with suppress(psutil.Error):
            process.terminate()
    _, left = psutil.wait_procs(live, timeout=seconds)
    _, orphans = psutil.wait_procs(family, timeout=0 if left else 2)
    for process in (*left, *orphans):
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs([*left, *orphans], timeout=1)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.1) -> bool:
    """Asks `condition` until it holds (True) or `seconds` are over (False)."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def port_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(usual: int) -> int:
    """The usual port when it is free, else any free one."""
    return usual if port_free(usual) else any_port()


def any_port() -> int:
    """A free port of the system's choice."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def log_tail(log: Path, lines: int = 3) -> str:
    """The last lines of a log on one line, for an error message."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "no log"
    kept = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("\tat ")]
    return " | ".join(kept[-lines:])[-600:] or "its log is empty"
