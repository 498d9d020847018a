"""What goes wrong on the way: broken messages, repeated ones, late ones. Every fault is counted.

A malformed message takes the place of the event it was (kinds below). A duplicate is the same bytes again, a
little later. A late event says that it happened minutes ago, by at most four fifths of the watermark.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from common.validate import rfc3339

KINDS = ("bad_json", "wrong_type", "missing_field", "far_future")
FAR_FUTURE_MS = 86_400_000
LEAST_LATE_MS = 60_000
Encoded = tuple[str, str, bytes]  # topic, key, value


@dataclass
class Faults:
    """Fractions are of all events; `latest_ms` is the most that a late event lies back."""

    malformed: float
    duplicate: float
    late: float
    latest_ms: int
    draw: Callable[[], float]
    counts: Counter[str] = field(default_factory=Counter)
    _again: deque[tuple[int, Encoded]] = field(default_factory=deque)
    _seen: int = 0

    def encode(self, event: dict[str, Any], at_ms: int, topic: str, key: str) -> Iterator[Encoded]:
        """The messages for an event: as a rule one; before it, duplicates that are due now."""
        self._seen += 1
        while self._again and self._again[0][0] <= self._seen:
            yield self._again.popleft()[1]
        u = self.draw()
        if u < self.malformed:
            yield topic, key, self._break(event, at_ms)
            return
        u -= self.malformed
        if u < self.late:
            span = max(0, self.latest_ms - LEAST_LATE_MS)
            event["event_time"] = rfc3339(at_ms - LEAST_LATE_MS - int(span * self.draw()))
            self.counts["late"] += 1
        encoded = topic, key, orjson.dumps(event)
        yield encoded
        if self.late <= u < self.late + self.duplicate:
            self.counts["duplicate"] += 1
            self._again.append((self._seen + 20, encoded))

    def rest(self) -> Iterator[Encoded]:
        """Duplicates that are still owed at the end."""
        while self._again:
            yield self._again.popleft()[1]

    def _break(self, event: dict[str, Any], at_ms: int) -> bytes:
        kind = KINDS[int(self.draw() * len(KINDS))]
        self.counts["malformed"] += 1
        self.counts[kind] += 1
        if kind == "bad_json":
            return orjson.dumps(event)[:-5]
        if kind == "wrong_type":
            event["price"] = "a lot"
        elif kind == "missing_field":
            del event["event_type"]
        else:
            event["event_time"] = rfc3339(at_ms + FAR_FUTURE_MS)
        return orjson.dumps(event)
