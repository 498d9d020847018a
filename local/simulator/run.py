"""From configuration to the simulator's messages: catalogue, history, then live events that begin now."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from common.config import Config
from local.produce import Message
from local.simulator.scenario import Scenario
from local.simulator.simulation import Simulation

TOPICS = ("behavior", "orders", "payments", "catalog", "logs")
UNIT_MS = {"milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}


@dataclass(frozen=True)
class Length:
    """When the live part ends: after so many messages or seconds, whichever is first; None is never."""

    messages: int | None = None
    seconds: float | None = None


def build(config: Config, scenario: Scenario, run_id: str) -> Simulation:
    """A simulation with the configuration's sizes, faults, currency and watermark."""
    watermark_ms = duration_ms(config.streaming.watermark)
    return Simulation(config.simulator, scenario, run_id, config.currency, watermark_ms)


def duration_ms(text: str) -> int:
    """`10 minutes` → 600000; the text has passed `common.config.Duration`."""
    number, unit = re.split(r"\s+", text.strip())
    return int(number) * UNIT_MS[unit]


def messages(simulation: Simulation, start_ms: int | None, length: Length) -> Iterator[Message]:
    """Everything in order. Without `start_ms` the past ends, and the live part begins, at the moment it is
    asked for, so that event times are true; with it the messages are the same in every run."""
    began = time.monotonic()
    past_ends = now_ms() if start_ms is None else start_ms
    yield from simulation.catalog(past_ends - simulation.settings.history_minutes * 60_000)
    yield from simulation.history(past_ends)
    due = time.monotonic() - began
    live = simulation.live(now_ms() if start_ms is None else start_ms, due)
    for message in islice(live, length.messages):
        if length.seconds is not None and message.due - due >= length.seconds:
            break
        yield message
    yield from simulation.rest()


def now_ms() -> int:
    return time.time_ns() // 1_000_000
