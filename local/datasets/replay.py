"""When a dataset's records are due, and which event time they carry."""

from collections.abc import Iterator

from common.errors import ConfigError
from local.datasets.source import Clock, Dataset, kept
from local.produce import Message


def parse_speed(text: str) -> float | None:
    """`max` → None (as fast as it is taken); else how many seconds of the file pass in one."""
    if text.strip().lower() == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ConfigError(f"speed '{text}': must be a number above 0, or 'max'")
    return speed


def event_clock(dataset: Dataset, speed: float | None, now_ms: int) -> Clock:
    """Event times shifted to now, never ahead of it when sent: at a given speed the first event is now and
    the others follow at the pace they are sent; at full speed the last event is now."""
    if speed is None:
        return lambda times: times + (now_ms - dataset.last_ms)
    return lambda times: (now_ms + (times - dataset.first_ms) / speed).astype("int64")


def messages(dataset: Dataset, speed: float | None, shifted_to_ms: int | None = None) -> Iterator[Message]:
    """The dataset as messages; event times as in the file, or shifted to the given moment."""
    clock = kept if shifted_to_ms is None else event_clock(dataset, speed, shifted_to_ms)
    scale = 0.0 if speed is None else 1.0 / (1000.0 * speed)
    for time_ms, topic, key, value in dataset.records(clock):
        yield Message((time_ms - dataset.first_ms) * scale, topic, key, value)
