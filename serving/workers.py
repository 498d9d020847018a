"""Several serving processes on one address, a listening socket each.

A process answers on one core. They share nothing but Redis and Kafka, so which of them answers makes no difference;
what each keeps for a moment it keeps by itself. When one ends, all end, and with them the command: what has started it
starts it again.
"""

import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

from common.config import Config
from common.errors import StylestreamError
from common.logs import debugging, quiet_libraries
from serving import FOLDER, SHARED

STOP_SECONDS = 8.0
Run = Callable[[Config, socket.socket], object]


def run_workers(config: Config, listeners: Sequence[socket.socket], run: Run) -> None:
    """`run` in a process for each listening socket until SIGTERM or Ctrl-C; `StylestreamError` when one ends before."""
    stop, wake = socket.socketpair()

    def asked(*_: object) -> None:
        wake.send(b".")

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    with tempfile.TemporaryDirectory(prefix=FOLDER) as folder:
        os.environ[SHARED] = folder
        workers: list[SpawnProcess] = []
        try:
            for listener in listeners:
                workers.append(_start(config, listener, run))
            woken = wait([stop, *(worker.sentinel for worker in workers)])
            ended = [worker for worker in workers if worker.sentinel in woken]
            for worker in ended:
                worker.join()
        finally:
            _stop(workers)
            for number, handler in before.items():
                signal.signal(number, handler)
            del os.environ[SHARED]
    if ended and stop not in woken:
        raise StylestreamError(f"serving process {ended[0].pid} {how(ended[0].exitcode)}, and the others with it")


def how(code: int | None) -> str:
    """In words how a process ended."""
    return f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with {code} (its log says why)"


def _start(config: Config, listener: socket.socket, run: Run) -> SpawnProcess:
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(config, listener, run, debugging()))
    process.start()
    return process


def _work(config: Config, listener: socket.socket, run: Run, debug: bool) -> None:
    """A worker. It ends with the process that started it, however that ends."""
    quiet_libraries(debug)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run(config, listener)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _stop(workers: list[SpawnProcess]) -> None:
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
        if worker.is_alive():
            worker.kill()
            worker.join()
