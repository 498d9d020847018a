"""A process is known again by its number and its start, whatever becomes of the clock."""

import os
import subprocess
import sys

import psutil
import pytest

from common.lease import Holder
from common.running import Running, running


def test_a_clock_that_is_set_makes_no_living_process_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    me, holder = running(os.getpid()), Holder.this_process()
    now = psutil.Process().create_time()
    for step in (-3600.0, 3600.0):
        monkeypatch.setattr(psutil.Process, "create_time", lambda _, time=now + step: time)
        assert me.alive
        assert not holder.is_dead


def test_a_number_used_again_is_another_process() -> None:
    me = running(os.getpid())
    assert not Running(me.pid, me.created - 1).alive
    assert not Running(me.pid, me.created + 1).alive


def test_what_has_ended_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        one = running(process.pid)
        assert one.alive
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not one.alive  # a zombie
    assert not one.alive
    assert not running(process.pid).alive
