"""`stylestream demo` in a process of its own, on a state folder of its own."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from local.process import any_port, log_tail, start, wait_until
from local.ready import not_ready

READY_SECONDS = 240
STOP_SECONDS = 15


@dataclass
class RunningDemo:
    """A demo in a process of its own."""

    process: "subprocess.Popen[bytes]"
    port: int
    state: Path
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def await_ready(self) -> None:
        ready = wait_until(lambda: not_ready(self.address) is None or self.process.poll() is not None, READY_SECONDS)
        assert ready and self.process.poll() is None, log_tail(self.log, 12)

    def answer(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=10) as answer:
            return json.loads(answer.read())

    def processes(self) -> list[tuple[psutil.Process, str]]:
        """Live processes that know of this demo's folder or are its own (Redis writes its title over what it knows),
        with their command lines."""
        found = []
        for process in psutil.process_iter(["cmdline", "environ", "status", "ppid"]):
            info = process.info
            knows = str(self.state) in " ".join([*(info["cmdline"] or ()), *(info["environ"] or {}).values()])
            mine = knows or info["ppid"] == self.process.pid
            if mine and info["status"] != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                found.append((process, " ".join(info["cmdline"] or ())))
        return found

    def left(self) -> list[str]:
        """The command lines of `processes`."""
        return [line for _, line in self.processes()]


@contextmanager
def running_demo(folder: Path, options: list[str]) -> Iterator[RunningDemo]:
    """Started with the options, its state in `folder`; stopped in any case."""
    state, port = folder / "state", any_port()
    command = [Path(sys.executable).with_name("stylestream"), "demo", "--port", str(port), "--state", state]
    log = folder / "demo.log"
    short = {"STYLESTREAM_SIMULATOR__HISTORY_MINUTES": "2"}  # so that all of it is in the hour of views-1h
    process = start([*command, *options], log, short)
    try:
        yield RunningDemo(process, port, state, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS + 5)
