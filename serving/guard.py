"""Makes an event_id count once in the collector, without ever losing an event.

The guard of an event is `pending` while it is on its way to Kafka and `done` once acknowledged. Only `done`
means that it need not be produced again. A `pending` guard outlives the wait for Kafka by a few seconds only:
where a process dies between guard and acknowledgement, the caller's next try gets through after that.

A pending guard names the claim that took it. Where the connection breaks after Redis has done the commands, the
client sends them again by itself: the second time the guard is taken, by the same claim.
"""

import secrets
from collections.abc import Collection, Iterable
from typing import Any

from common.keys import Keys

DONE_SECONDS = 3600
PENDING_EXTRA_SECONDS = 5
PENDING, DONE = b"pending:", b"done"
NAME_BYTES = 8


class Guard:
    """Adds its commands to the caller's pipelines, so that a request stays at two round trips."""

    def __init__(self, keys: Keys, ack_timeout_seconds: float) -> None:
        self._keys = keys
        self._pending_ms = int((ack_timeout_seconds + PENDING_EXTRA_SECONDS) * 1000)

    def claim(self, pipeline: Any, event_ids: Iterable[str]) -> bytes:
        """Two commands an event: take the guard if it is free, then read what it was before or is now. Returns the
        claim's name, for `claimed`."""
        name = PENDING + secrets.token_bytes(NAME_BYTES)
        for event_id in event_ids:
            key = self._keys.seen(event_id)
            pipeline.set(key, name, nx=True, px=self._pending_ms)
            pipeline.get(key)
        return name

    @staticmethod
    def claimed(event_ids: Collection[str], name: bytes, answers: list[Any]) -> tuple[set[str], set[str]]:
        """(ids ours to produce, ids that are done) of `claim`'s answers; the rest is on its way."""
        states = dict(zip(event_ids, answers[1::2], strict=True))
        ours = {event_id for event_id, state in states.items() if state == name}
        done = {event_id for event_id, state in states.items() if state == DONE}
        return ours, done

    def confirm(self, pipeline: Any, event_ids: Iterable[str]) -> None:
        """The events are in Kafka."""
        for event_id in event_ids:
            pipeline.set(self._keys.seen(event_id), DONE, ex=DONE_SECONDS)

    def release(self, pipeline: Any, event_ids: Iterable[str]) -> None:
        """The events are not in Kafka: the next try must produce them."""
        for event_id in event_ids:
            pipeline.delete(self._keys.seen(event_id))
