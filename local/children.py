"""The demo's own processes: each a `stylestream` command with a log file, watched and stopped together."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import StylestreamError
from common.logs import keep_previous
from local.process import Running, at_its_priority, log_tail, running, start, stop_all


@dataclass(frozen=True)
class Command:
    """A subcommand to run; `may_end` when ending with 0 is no failure (a replay that is through)."""

    name: str
    arguments: Sequence[str]
    may_end: bool = False


@dataclass(frozen=True)
class Child:
    """A running command."""

    command: Command
    process: "subprocess.Popen[bytes]"
    known: Running
    log: Path


@dataclass
class Children:
    """Those started so far, each with the arguments `given` before its own. `ended()` tells of each end once."""

    given: Sequence[str]
    logs: Path
    env: dict[str, str]
    running: list[Child]

    def start(self, command: Command) -> Path:
        """Starts one; returns its log, which is fresh (the last run's is kept as `.log.1`)."""
        log = self.logs / f"{command.name}.log"
        keep_previous(log)
        program = Path(sys.executable).with_name("stylestream")
        process = start(at_its_priority(command.arguments, [program, *self.given, *command.arguments]), log, self.env)
        self.running.append(Child(command, process, running(process), log))
        return log

    def ended(self) -> tuple[list[str], list[str]]:
        """Lines about those that have ended since the last call: (as they may, unexpectedly)."""
        fine, failed = [], []
        for child in list(self.running):
            code = child.process.poll()
            if code is None:
                continue
            self.running.remove(child)
            if code == 0 and child.command.may_end:
                fine.append(f"{child.command.name} is through")
            else:
                how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
                failed.append(f"{child.command.name} {how}: {log_tail(child.log)} (log: {child.log})")
        return fine, failed

    def stop(self, seconds: float) -> None:
        """SIGTERM to all at once, SIGKILL to what is left after `seconds`."""
        stop_all((child.known for child in self.running), seconds)
        self.running.clear()


class DemoError(StylestreamError):
    """A part of the demo failed: names it, with the end of its log."""
