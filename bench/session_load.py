"""Session neighbours under load: so many questions a second, shared out among processes as by `serve --workers`.

Open loop: a question has its due time, and its latency counts from there. Without HTTP: what is measured is the index.
The figure to stand beside is Serenade's (Kersbergen et al., SIGMOD 2022): 1,000 a second on two virtual CPUs, in Rust,
p90 below 7 ms.
"""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from common.artifacts import Artifacts
from common.models.next_item_fit import LENGTH
from common.models.session_model import SessionModel

RATE, PROCESSES, SECONDS, QUICK_SECONDS = 1000, 2, 20.0, 5.0


def latencies(folder: str, version: str, questions: Sequence[list[str]], seconds: float) -> list[float]:
    """Milliseconds of every answer of all processes; each maps the artifact in `folder` for itself."""
    parts = [list(questions[n::PROCESSES]) for n in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(_asked, folder, version, part, RATE / PROCESSES, seconds) for part in parts]
        return [ms for job in jobs for ms in job.result()]


def _asked(folder: str, version: str, questions: Sequence[list[str]], rate: float, seconds: float) -> list[float]:
    model = SessionModel.of(version, Artifacts(folder, "sessions", f"{folder}/cache").open(version).arrays)
    _open_loop(model, questions, rate / 2, seconds / 10)
    return _open_loop(model, questions, rate, seconds)


def _open_loop(model: SessionModel, questions: Sequence[list[str]], rate: float, seconds: float) -> list[float]:
    begun, taken = time.perf_counter(), []
    for n in range(int(rate * seconds)):
        due = begun + n / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        model.candidates(questions[n % len(questions)], LENGTH)
        taken.append((time.perf_counter() - due) * 1000)
    return taken
