"""A process by its number and its start, so that a number used again is not taken for it."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

SAME_START_SECONDS = 0.5


@dataclass(frozen=True)
class Running:
    """`created`: its start in seconds, on a scale of the system's own that nobody's setting of the clock moves."""

    pid: int
    created: float

    def process(self) -> psutil.Process | None:
        """The live process; None when it has ended, is a zombie, or its number belongs to another."""
        try:
            process = psutil.Process(self.pid)
            same = abs(_created(process) - self.created) < SAME_START_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.Error, OSError):
            return None

    @property
    def alive(self) -> bool:
        return self.process() is not None


def running(pid: int) -> Running:
    """Names a process just started; one that has ended already is named with no start."""
    try:
        return Running(pid, _created(psutil.Process(pid)))
    except (psutil.Error, OSError):
        return Running(pid, 0.0)


def _created(process: psutil.Process) -> float:
    """Linux counts it from the machine's start; what psutil adds to that moves whenever the clock is set."""
    stat = Path(f"/proc/{process.pid}/stat")
    if not stat.exists():
        return float(process.create_time())
    ticks = stat.read_text(errors="replace").rpartition(")")[2].split()[19]  # field 22; the name before may hold all
    return int(ticks) / os.sysconf("SC_CLK_TCK")
