"""The demo's own processes: each a `stylestream` command with a log file, watched and stopped together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from common.errors import StylestreamError
from common.logs import keep_previous, previous
from common.running import Running, running
from local.process import at_its_priority, last_word, start, stop_all

LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0


@dataclass(frozen=True)
class Command:
    """A subcommand to run; `may_end` when ending with 0 is no failure (a replay that is through). `again`: its
    arguments where it is started again, when they differ."""

    name: str
    arguments: Sequence[str]
    may_end: bool = False
    again: Sequence[str] | None = None


@dataclass(frozen=True)
class Child:
    """A running command."""

    command: Command
    process: "subprocess.Popen[bytes]"
    known: Running
    log: Path
    since: float


@dataclass
class Children:
    """Those started so far, each with the arguments `given` before its own. `look()` tells of each end once; where
    `restarts` it starts what should run again: after 1, 2, 4 … 30 seconds, after 1 again where it has run for a minute.
    `clock`: seconds that only grow."""

    given: Sequence[str]
    logs: Path
    env: dict[str, str]
    clock: Callable[[], float] = time.monotonic
    running: list[Child] = field(default_factory=list)
    restarts: bool = False
    due: list[tuple[float, Command]] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)

    def start(self, command: Command) -> Path:
        """Starts one; returns its log, which is fresh (the last run's is kept as `.log.1`)."""
        log = self.logs / f"{command.name}.log"
        keep_previous(log)
        program = Path(sys.executable).with_name("stylestream")
        process = start(at_its_priority(command.arguments, [program, *self.given, *command.arguments]), log, self.env)
        self.running.append(Child(command, process, running(process.pid), log, self.clock()))
        return log

    def look(self) -> tuple[list[str], list[str]]:
        """Lines about those that have ended since the last call: (as they may, unexpectedly)."""
        now = self.clock()
        ready = [command for moment, command in self.due if moment <= now]
        self.due = [(moment, command) for moment, command in self.due if moment > now]
        for command in ready:
            self.start(command)
        fine, failed = [], []
        for child in list(self.running):
            code = child.process.poll()
            if code is None:
                continue
            self.running.remove(child)
            _end_group(child.process.pid)
            if code == 0 and child.command.may_end:
                fine.append(f"{child.command.name} is through")
            else:
                failed.append(self._failed(child, code))
        return fine, failed

    def _failed(self, child: Child, code: int) -> str:
        name, log = child.command.name, child.log
        how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        said = f" ({word.removeprefix('stylestream: ')})" if (word := last_word(log)) else ""
        if not self.restarts:
            return f"{name} {how}{said} (log: {log})"
        lived = self.clock() - child.since
        failures = self.failures[name] = 0 if lived >= STEADY_SECONDS else self.failures.get(name, -1) + 1
        pause = min(LONGEST_PAUSE, 2.0 ** min(failures, 10))
        command = child.command
        again = command if command.again is None else replace(command, arguments=command.again)
        self.due.append((self.clock() + pause, again))
        return f"{name} {how}{said}: starts again in {pause:.0f} s (log: {previous(log)})"

    def stop(self, seconds: float) -> None:
        """SIGTERM to all at once, SIGKILL to what is left after `seconds`."""
        stop_all((child.known for child in self.running), seconds)
        for child in self.running:
            _end_group(child.process.pid)
        self.running.clear()
        self.due.clear()


def _end_group(leader: int) -> None:
    """What a command has started and left behind, as a schedule that was killed leaves its batch job: it would go on
    beside the next one, and after the demo."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


class DemoError(StylestreamError):
    """A part of the demo failed: names it, with the end of its log."""
