"""Runs the batch jobs on their plan: each in a process of its own, one at a time.

A job that fails is logged and runs again at its next time; so does one that is stopped as it took longer than its
`limit`; one that has not enough data yet runs again after its `retry`. Stopping (SIGTERM, SIGINT) stops the running job
too, and what it has started.
"""

import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psutil
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from batch.outcome import EXIT_CODES
from batch.plan import PlannedJob, cron_days
from common.duration import duration_ms
from common.logs import keep_previous

STOP_SECONDS = 4.0
LOOK_SECONDS = 1.0
STOPPED = -signal.SIGTERM  # exit code of a job that was too long, whatever it made of the signal
Say = Callable[[str], None]
CommandOf = Callable[[str], Sequence[str]]


class Schedule:
    """`command_of` gives the command that runs a job; what it writes to stderr goes to `logs`/batch-NAME.log,
    that of the run before stays as .log.1. `clock`: seconds that only grow."""

    def __init__(
        self,
        jobs: Sequence[PlannedJob],
        command_of: CommandOf,
        logs: Path,
        say: Say,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command_of, self._logs, self._say, self._clock = command_of, logs, say, clock
        self._child: subprocess.Popen[str] | None = None
        self._stopping = False
        self._lock = threading.Lock()
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        one_at_a_time = {"default": ThreadPoolExecutor(1)}
        self._scheduler = BlockingScheduler(executors=one_at_a_time, job_defaults=options, timezone=timezone.utc)
        for job in jobs:
            self._scheduler.add_job(self._run, _trigger(job), [job], id=job.name, **_first_time(job))

    def run(self) -> None:
        """Blocks until `stop`."""
        if not self._stopping:
            self._scheduler.start()

    def stop(self, *_: object) -> None:
        """Stops the running job and the schedule; may be called from a signal handler, and twice."""
        if self._stopping:
            return
        self._stopping = True
        with self._lock:
            child = self._child
        if child is not None:
            _end(child)
        if self._scheduler.running:  # not while it waits for its lease
            self._scheduler.shutdown(wait=False)

    def _run(self, job: PlannedJob) -> None:
        if self._stopping:
            return
        began = self._clock()
        self._say(f"batch {job.name}: begins")
        try:
            code, message = self._finish(job)
        except OSError as error:
            code, message = 1, f"cannot be started: {error}"
        if self._stopping:
            return
        verdict = {value: name for name, value in EXIT_CODES.items()}.get(code, f"FAILED with exit code {code}")
        self._say(f"batch {job.name}: {verdict} after {self._clock() - began:.1f} s: {message}")
        if code == EXIT_CODES["no-data"]:
            self._say(f"batch {job.name}: tried again in {job.retry}, when more has arrived")
            self._again(job)

    def _finish(self, job: PlannedJob) -> tuple[int, str]:
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"batch-{job.name}.log"
        keep_previous(log)
        # A file, not a pipe: that would be open for as long as anything lives which the job has started.
        with log.open("w", encoding="utf-8") as errors, tempfile.TemporaryFile("w+", errors="replace") as output:
            with self._lock:
                if self._stopping:
                    return 0, ""
                child = subprocess.Popen(self._command_of(job.name), stdout=output, stderr=errors, text=True)
                self._child = child
            in_time = self._wait(child, duration_ms(job.limit) / 1000)
            self._child = None
            output.seek(0)
            said = _last_line(output.read()) or _last_line(log.read_text(encoding="utf-8", errors="replace"))
        if not in_time:
            return STOPPED, f"stopped, as it took longer than its limit in the plan, {job.limit} (log: {log})"
        return child.returncode, f"{said} (log: {log})" if child.returncode not in EXIT_CODES.values() else said

    def _wait(self, child: "subprocess.Popen[str]", seconds: float) -> bool:
        """Until it has ended, by itself (True), or by us after so many seconds."""
        end = self._clock() + seconds
        while True:
            try:
                child.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if self._clock() >= end:
                    _end(child)
                    return False
            else:
                return True

    def _again(self, job: PlannedJob) -> None:
        soon = datetime.now(timezone.utc) + timedelta(milliseconds=duration_ms(job.retry))
        planned = self._scheduler.get_job(job.name)
        if planned is not None and (planned.next_run_time is None or soon < planned.next_run_time):
            planned.modify(next_run_time=soon)


def stop_on_signals(schedule: Schedule) -> None:
    """SIGTERM and SIGINT stop it."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, schedule.stop)


def _trigger(job: PlannedJob) -> CronTrigger | IntervalTrigger:
    if job.cron is not None:
        return CronTrigger.from_crontab(cron_days(job.cron), timezone=timezone.utc)
    return IntervalTrigger(seconds=duration_ms(job.every or "0 seconds") / 1000, timezone=timezone.utc)


def _first_time(job: PlannedJob) -> dict[str, Any]:
    if job.cron is not None:
        return {}
    return {"next_run_time": datetime.now(timezone.utc) + timedelta(milliseconds=duration_ms(job.first_after))}


def _end(child: "subprocess.Popen[str]") -> None:
    """SIGTERM; after `STOP_SECONDS` SIGKILL, also to what it has started: a JVM that hangs outlives its Python."""
    with suppress(psutil.Error):
        family = psutil.Process(child.pid).children(recursive=True)
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_SECONDS)
        for process in psutil.wait_procs(family, timeout=LOOK_SECONDS)[1]:
            with suppress(psutil.Error):
                process.kill()
    child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.wait(LOOK_SECONDS)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:500] if lines else ""
