"""The plan is checked to the key; the schedule runs one job at a time, goes on after failures, stops its child."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from batch import schedule
from batch.plan import PlannedJob, load_plan
from batch.schedule import Schedule
from common.errors import ConfigError
from local.process import wait_until

HANGS = 300.0  # seconds; on a busy machine all may take long

REFUSED = {
    "jobs: [{name: alz, every: 1 hours}]": "'jobs.0.name' is 'alz': must be one of facts, corrections, rates, als",
    "jobs: [{name: als, evry: 1 hours}]": "unknown key 'jobs.0.evry'; allowed here: name, every, cron",
    "jobs: [{name: als, every: soon}]": "'jobs.0.every' is 'soon'",
    "jobs: [{name: als, every: 0 seconds}]": "'jobs.0.every' is '0 seconds': must be at least 1 seconds",
    "jobs: [{name: als, every: 1 hours, limit: 0 hours}]": "'jobs.0.limit' is '0 hours': must be at least 1 seconds",
    "jobs: [{name: als, every: 1 hours, limit: none}]": "'jobs.0.limit' is 'none'",
    "jobs: [{name: als}]": "'jobs.0' (als) must have either 'every' or 'cron'",
    "jobs: [{name: als, every: 1 hours, cron: '* * * * *'}]": "must have either 'every' or 'cron'",
    "jobs: [{name: als, cron: '61 * * * *'}]": "'jobs.0.cron' is '61 * * * *'",
    "jobs: [{name: als, every: 1 hours}, {name: als, every: 2 hours}]": "job 'als' is there 2 times",
    "jobs: []\nnight: true": "unknown key 'night'; allowed here: jobs",
    "{}": "key 'jobs' is missing",
    "": "'the file' is 'None'",
    "jobs: [": "not valid YAML",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_plan_that_does_not_fit_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refusal:
        load_plan(file)
    assert REFUSED[text] in str(refusal.value)
    assert str(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_plan_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_plan(tmp_path / "none.yaml")


def test_the_plan_that_is_shipped_holds() -> None:
    names = {"als", "corrections", "ctr", "facts", "forget", "keywords", "rates", "related", "sessions"}
    assert {job.name for job in load_plan()} == names


class Running:
    """A schedule in a thread, with the lines it has said."""

    def __init__(self, jobs: list[PlannedJob], programs: dict[str, str], logs: Path) -> None:
        self.lines: list[str] = []
        self.begun: list[str] = []
        self.heard: list[tuple[str, str]] = []
        self.passed = 0.0  # seconds on the schedule's clock
        command = [sys.executable, "-c"]
        self.schedule = Schedule(jobs, lambda name: [*command, programs[name]], logs, self.hear, lambda: self.passed)
        self.thread = threading.Thread(target=self.schedule.run)

    def hear(self, line: str) -> None:
        name, begins, _ = line.partition(": begins")
        if begins:
            self.begun.append(name)
            self.heard.append((name, "begins"))
        elif "tried again" not in line:
            self.heard.append((line.partition(":")[0], "ends"))
            self.lines.append(line)

    def __enter__(self) -> "Running":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.schedule.stop()
        self.thread.join(HANGS)
        assert not self.thread.is_alive()


def until(true: Callable[[], bool]) -> None:
    assert wait_until(true, HANGS, every=0.02)


def test_a_job_without_data_is_tried_again_soon_and_then_as_planned(tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    program = (
        f"import os,sys; n = os.path.exists({mark!r}); open({mark!r}, 'w')\n"
        "sys.stderr.write('second' if n else 'first'); print('yes' if n else 'none'); sys.exit(0 if n else 11)"
    )
    job = PlannedJob("als", every="1 hours", retry="1 seconds")
    began = datetime.now(timezone.utc)
    with Running([job], {"als": program}, tmp_path / "logs") as running:
        until(lambda: len(running.lines) == 2)
        (planned,) = running.schedule._scheduler.get_jobs()
        assert planned.next_run_time - began > timedelta(hours=1)  # an hour after the second run, not a second
    logs = tmp_path / "logs"
    assert [(logs / name).read_text() for name in ("batch-als.log.1", "batch-als.log")] == ["first", "second"]
    assert [line.split(" after ")[0] for line in running.lines] == ["batch als: no-data", "batch als: done"]
    assert running.lines[1].endswith("s: yes")
    assert running.begun == ["batch als"] * 2


def test_a_failing_job_is_said_and_runs_again(tmp_path: Path) -> None:
    program = "import sys; print('trace', file=sys.stderr); sys.exit('Redis is gone')"
    with Running([PlannedJob("als", every="1 seconds")], {"als": program}, tmp_path) as running:
        until(lambda: len(running.lines) >= 2)
    assert all("FAILED with exit code 1" in line and "Redis is gone (log: " in line for line in running.lines)


def test_two_jobs_never_run_at_once(tmp_path: Path) -> None:
    """The first stays until the other is due and has been handed on, so that it would begin if it could."""
    go = tmp_path / "go"
    program = f"import os,threading\nwhile not os.path.exists({str(go)!r}): threading.Event().wait(0.02)\nprint('done')"
    jobs = [PlannedJob("als", every="1 hours"), PlannedJob("facts", every="1 hours")]
    with Running(jobs, {"als": program, "facts": program}, tmp_path / "logs") as running:
        scheduler = running.schedule._scheduler
        until(lambda: len(running.begun) == 1)
        first = running.begun[0]
        (other,) = {"batch als", "batch facts"} - {first}
        soon = datetime.now(timezone.utc) + timedelta(minutes=30)
        until(lambda: all(job.next_run_time > soon for job in scheduler.get_jobs()))  # both were handed on
        assert running.begun == [first]
        go.touch()
        until(lambda: len(running.lines) == 2)
    assert running.heard == [(first, "begins"), (first, "ends"), (other, "begins"), (other, "ends")]


def test_stopping_ends_the_running_child(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    program = f"import os,signal; open({str(mark)!r},'w').write(str(os.getpid())); signal.pause()"
    with Running([PlannedJob("als", every="1 hours")], {"als": program}, tmp_path) as running:
        until(lambda: mark.exists() and mark.read_text() != "")
    assert not Path(f"/proc/{mark.read_text()}").exists()
    assert running.lines == []


HANGS_ONCE = """
import os, signal, subprocess, sys
if os.path.exists({mark!r}): sys.exit(print("trained"))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"])
open({mark!r} + ".new", "w").write(f"{{os.getpid()}} {{child.pid}}")
os.replace({mark!r} + ".new", {mark!r})
signal.pause()
"""


def test_a_job_that_hangs_is_killed_at_its_limit_with_what_it_has_started_and_the_next_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "STOP_SECONDS", 0.2)
    monkeypatch.setattr(schedule, "LOOK_SECONDS", 0.05)
    mark = tmp_path / "pids"
    job = PlannedJob("als", every="1 seconds", limit="2 hours")
    with Running([job], {"als": HANGS_ONCE.format(mark=str(mark))}, tmp_path / "logs") as running:
        until(mark.exists)
        running.passed = 2 * 3600 - 1
        assert not any(ended(pid) for pid in mark.read_text().split())
        running.passed += 2
        until(lambda: len(running.lines) >= 2)
    log = tmp_path / "logs" / "batch-als.log"
    assert running.lines[0].startswith("batch als: FAILED with exit code -15 after ")
    assert running.lines[0].endswith(f"s: stopped, as it took longer than its limit in the plan, 2 hours (log: {log})")
    assert running.lines[1].startswith("batch als: done") and running.lines[1].endswith("trained")
    assert all(ended(pid) for pid in mark.read_text().split())


def test_what_a_job_has_left_behind_does_not_hold_the_schedule(tmp_path: Path) -> None:
    """As a JVM that does not end with its Python: it has the job's output open."""
    mark = str(tmp_path / "pid")
    orphan = "import signal; signal.pause()"
    program = (
        f"import subprocess,sys; child = subprocess.Popen([sys.executable, '-c', {orphan!r}])\n"
        f"open({mark!r}, 'w').write(str(child.pid)); print('trained')"
    )
    with Running([PlannedJob("als", every="1 hours")], {"als": program}, tmp_path / "logs") as running:
        try:
            until(lambda: bool(running.lines))
        finally:
            os.kill(int(Path(mark).read_text()), signal.SIGKILL)
    assert running.lines[0].endswith("s: trained")


def ended(pid: str) -> bool:
    """Whether there is no such process, or only its name, for nobody of its family has asked how it ended."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "ZX"
