"""Makes an event_id count once in the collector, without ever losing an event.

The guard of an event is `pending` while it is on its way to Kafka and `done` once acknowledged. Only `done`
means that it need not be produced again. A `pending` guard outlives the wait for Kafka by a few seconds only:
where a process dies between guard and acknowledgement, the caller's next try gets through after that.
"""

from collections.abc import Collection, Iterable
from typing import Any

from common.keys import Keys

DONE_SECONDS = 3600
PENDING_EXTRA_SECONDS = 5
PENDING, DONE = b"pending", b"done"


class Guard:
    """Adds its commands to the caller's pipelines, so that a request stays at two round trips."""

    def __init__(self, keys: Keys, ack_timeout_seconds: float) -> None:
        self._keys = keys
        self._pending_ms = int((ack_timeout_seconds + PENDING_EXTRA_SECONDS) * 1000)

    def claim(self, pipeline: Any, event_ids: Iterable[str]) -> None:
        """Two commands an event: take the guard if it is free, then read what it was before or is now."""
        for event_id in event_ids:
            key = self._keys.seen(event_id)
            pipeline.set(key, PENDING, nx=True, px=self._pending_ms)
            pipeline.get(key)

    @staticmethod
    def claimed(event_ids: Collection[str], answers: list[Any]) -> tuple[set[str], set[str]]:
        """(ids ours to produce, ids that are done) of `claim`'s answers; the rest is on its way."""
        ours = {event_id for event_id, taken in zip(event_ids, answers[::2], strict=True) if taken}
        done = {event_id for event_id, state in zip(event_ids, answers[1::2], strict=True) if state == DONE}
        return ours, done

    def confirm(self, pipeline: Any, event_ids: Iterable[str]) -> None:
        """The events are in Kafka."""
        for event_id in event_ids:
            pipeline.set(self._keys.seen(event_id), DONE, ex=DONE_SECONDS)

    def release(self, pipeline: Any, event_ids: Iterable[str]) -> None:
        """The events are not in Kafka: the next try must produce them."""
        for event_id in event_ids:
            pipeline.delete(self._keys.seen(event_id))
