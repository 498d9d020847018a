"""Runs the tests of mutants in a copy of the tree, one after the other, on one Kafka and Redis for all."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from local.embedded import down, up
from tests.conftest import SERVERS, for_tests
from tests.mutants.mutant import Mutant, applied

LEAST_SECONDS = 300.0  # before a mutant is taken to hang; more where its tests alone take long
TIMES_LONGER = 6.0
FAILED = 1  # an exit code of pytest; others are a tree that cannot even be imported


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    killed: bool
    seconds: float

    @property
    def text(self) -> str:
        return "killed" if self.killed else ("survives" if self.mutant.survives else "SURVIVED")


class Runner:
    """Judges mutants in `tree`; servers have their state in `state`."""

    def __init__(self, tree: Path, state: Path) -> None:
        self._tree, self._servers = tree, for_tests(state)
        environment = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", SERVERS: str(state)}
        self._environment = os.environ | environment
        self._unchanged: dict[str, float] = {}

    def seconds_unchanged(self, tests: str) -> float:
        """How long the tests take without a mutant. RuntimeError, with their output, where they do not pass."""
        if tests not in self._unchanged:
            begun = time.monotonic()
            code, output = self._pytest(tests, None)
            if code != 0:
                raise RuntimeError(f"without a mutant these do not pass: {tests}\n{output}")
            self._unchanged[tests] = time.monotonic() - begun
        return self._unchanged[tests]

    def judge(self, mutant: Mutant) -> Verdict:
        """Whether a test fails with the mutant; one that hangs is killed. RuntimeError where they fail without it."""
        limit = max(LEAST_SECONDS, TIMES_LONGER * self.seconds_unchanged(mutant.tests))
        begun = time.monotonic()
        with applied(mutant, self._tree):
            code, _ = self._pytest(mutant.tests, limit)
        return Verdict(mutant, code != 0, time.monotonic() - begun)

    def _pytest(self, tests: str, limit: float | None) -> tuple[int, str]:
        """pytest's exit code and output; after `limit` seconds FAILED."""
        up(self._servers, lambda line: None)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--hypothesis-profile=unshrunk", *tests.split()]
        process = subprocess.Popen(
            command,
            cwd=self._tree,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the JVM, if it has one
            output, _ = process.communicate()
            self.stop()  # a script in Redis may be what hangs
            return FAILED, output
        except BaseException:  # this process is to end
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, output

    def stop(self) -> None:
        """Stops the servers."""
        down(self._servers, lambda line: None)
