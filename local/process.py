"""Starts, recognises and stops the processes we run; and free ports for them."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import psutil

from common.running import Running

LOOPBACK = "127.0.0.1"
# On one machine what somebody waits for comes first: API, Kafka and Redis, then facts, the lake, and batch jobs.
# Linux shares the CPU out by session first, and niceness counts only within one, so the session gets it too.
NICENESS = {"stream": "10", "stream lake": "15", "batch": "19", "schedule": "19"}
# The kernel takes that from one ordinary user in 0.1 s: a few tries.
AT_NICENESS = """
if [ -w /proc/self/autogroup ]; then
  for try in 1 2 3 4 5; do echo "$0" 2>/dev/null >/proc/self/autogroup && break; sleep 0.11; done
fi
exec nice -n "$0" "$@"
"""


def start(
    command: Sequence[str | Path], log: Path, env: dict[str, str] | None = None, folder: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Starts a process in a session of its own, which our Ctrl-C does not reach; output is added to `log`. It works
    in `folder`, or in ours."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
            env={**os.environ, **(env or {})},
        )


def at_its_priority(arguments: Sequence[str], command: Sequence[str | Path]) -> list[str]:
    """The command of `stylestream <arguments>`, at its niceness when it is started in a session of its own; as it is
    where the machine has no `nice`."""
    niceness = NICENESS.get(" ".join(arguments[:2]), NICENESS.get(arguments[0]))
    lower = niceness is not None and shutil.which("nice") is not None
    return [*(["sh", "-c", AT_NICENESS, str(niceness)] if lower else []), *map(str, command)]


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
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        return False
    return True


def choose_port(*usual: int) -> int:
    """The first of the usual ports that is free, else any free one."""
    return next((port for port in usual if port_free(port)), 0) or any_port()


def any_port() -> int:
    """A free port of the system's choice."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def last_word(log: Path) -> str:
    """The last line that our own command wrote into its log, for a person; empty where there is none."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip()[:300] for line in reversed(lines) if line.startswith("stylestream: ")), "")


def log_tail(log: Path, lines: int = 3) -> str:
    """The last lines of a log on one line, for an error message."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "no log"
    kept = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("\tat ")]
    return " | ".join(kept[-lines:])[-600:] or "its log is empty"


def busy() -> str:
    """How much the machine has to do, for a message."""
    return f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
