"""Commands that end although they should run are started again, later each time, and said in one line."""

import time
from pathlib import Path

import psutil
import pytest

from common.running import running
from local.children import Child, Children, Command
from local.process import start, wait_until


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def children(tmp_path: Path, clock: Clock) -> Children:
    return Children([], tmp_path, {}, clock, restarts=True)


def end(child: Child) -> None:
    """Waits until the command has ended: `stylestream nonsense` does at once."""
    assert child.process.wait(30) == 2


def failed_line(children: Children) -> str:
    end(children.running[0])
    (fine, (line,)) = children.look()
    assert fine == []
    return line


def test_the_pause_doubles_to_half_a_minute_and_begins_anew_after_a_steady_minute(
    children: Children, clock: Clock, tmp_path: Path
) -> None:
    children.start(Command("x", ["nonsense"]))
    for pause in (1, 2, 4):
        line = failed_line(children)
        said = "no command 'nonsense'; see 'stylestream --help'"
        assert line == f"x ended with 2 ({said}): starts again in {pause} s (log: {tmp_path / 'x.log.1'})"
        clock.now += pause - 0.01
        assert (children.look(), children.running) == (([], []), [])
        clock.now += 0.01
        assert children.look() == ([], [])
        assert [child.command.name for child in children.running] == ["x"]
    clock.now += 59.99
    assert "again in 8 s" in failed_line(children)
    clock.now += 8
    children.look()
    clock.now += 60
    assert "again in 1 s" in failed_line(children)
    children.failures["x"] = 5000  # 2^5000 is no float
    clock.now += 1
    children.look()
    assert "again in 30 s" in failed_line(children)
    children.stop(1)
    clock.now += 100
    assert (children.look(), children.running) == (([], []), [])


def test_a_killed_command_is_named_with_what_it_said_last(children: Children) -> None:
    log = children.start(Command("stream", ["schedule", "--help"]))
    (child,) = children.running
    child.process.kill()
    child.process.wait(30)
    log.write_text("26/11/29 WARN: something\nstylestream: Redis does not answer\n\tat java.x\n", encoding="utf-8")
    ((), (line,)) = map(tuple, children.look())
    assert line.startswith("stream was killed by signal 9 (Redis does not answer): starts again in 1 s (log: ")
    assert "\n" not in line


def test_what_may_end_is_through_and_before_all_is_ready_nothing_starts_again(children: Children, clock: Clock) -> None:
    children.start(Command("input", ["--help"], may_end=True))
    assert children.running[0].process.wait(30) == 0
    assert children.look() == (["input is through"], [])
    children.restarts = False
    children.start(Command("x", ["nonsense"]))
    assert "starts again" not in failed_line(children)
    clock.now += 100
    began = time.monotonic()
    assert (children.look(), children.running) == (([], []), [])
    assert time.monotonic() - began < 10


def test_what_a_killed_command_has_started_ends_with_it(tmp_path: Path, children: Children) -> None:
    log = tmp_path / "pid"
    script = f"sleep 300 & echo $! > {log}.new; mv {log}.new {log}; wait"
    process = start(["sh", "-c", script], tmp_path / "x.log")
    children.running.append(Child(Command("x", ["nonsense"]), process, running(process.pid), tmp_path / "x.log", 0.0))
    assert wait_until(log.exists, 10)
    left = psutil.Process(int(log.read_text()))
    process.kill()
    process.wait(10)
    assert left.is_running()
    children.look()
    assert wait_until(lambda: not left.is_running() or left.status() == psutil.STATUS_ZOMBIE, 10)


def test_what_is_started_again_may_get_other_arguments(children: Children, clock: Clock) -> None:
    children.start(Command("input", ["nonsense"], again=["nonsense", "--again"]))
    for _ in range(2):
        failed_line(children)
        clock.now += 5
        children.look()
        assert children.running[0].command.arguments == ["nonsense", "--again"]
