"""A streaming query and a clock that a test moves by hand, for the watch that looks after a query."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from common.config import Config
from streaming.watch import Watch

TIME = "2026-03-01T10:00:07.250Z"
TIME_MS = 1_772_359_207_250  # the same in epoch ms


@dataclass
class Clock:
    """Seconds that stand still until `now` is set."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def progress(batch: int, rows: int = 0, late: tuple[int, ...] = (), **more: Any) -> SimpleNamespace:
    """What Spark reports of a micro-batch; `late`: rows dropped by each operator with a state."""
    values: dict[str, Any] = {
        "batchId": batch,
        "numInputRows": rows,
        "timestamp": TIME,
        "processedRowsPerSecond": 12.5,
        "durationMs": {"triggerExecution": 400, "addBatch": 300},
        "eventTime": {"max": TIME, "watermark": "2026-03-01T09:50:00.000Z"},
        "sources": [],
        "stateOperators": [SimpleNamespace(numRowsDroppedByWatermark=n) for n in late],
    }
    return SimpleNamespace(**(values | more))


@dataclass
class Query:
    """The part of a streaming query that is looked at."""

    recentProgress: list[SimpleNamespace] = field(default_factory=list)  # noqa: N815 (the name is Spark's)
    isActive: bool = True  # noqa: N815
    error: Exception | None = None
    stopped: int = 0

    @property
    def lastProgress(self) -> SimpleNamespace | None:  # noqa: N802
        return self.recentProgress[-1] if self.recentProgress else None

    def exception(self) -> Exception | None:
        return self.error

    def stop(self) -> None:
        self.stopped += 1

    def die(self, error: Exception | None = None) -> None:
        self.isActive, self.error = False, error


class Watched:
    """A watch over one query after another, each in `queries`, by a clock of its own."""

    def __init__(self, config: Config) -> None:
        self.clock = Clock()
        self.queries: list[Query] = []
        self.refuses: Exception | None = None  # what a start raises
        self.watch = Watch("facts", self._start, config, self.clock)

    def _start(self) -> Any:
        if self.refuses is not None:
            raise self.refuses
        self.queries.append(Query())
        return self.queries[-1]

    @property
    def query(self) -> Query:
        return self.queries[-1]

    def look_at(self, seconds: float) -> None:
        """A look when the clock stands `seconds` after it began."""
        self.clock.now = 1000.0 + seconds
        self.watch.look()
