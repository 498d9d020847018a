"""Takes events in: judges each, fills what the catalogue knows, produces, and updates the recent lists.

An event is accepted when Kafka has acknowledged it, now or within the last hour. A request takes two round
trips to Redis and one to Kafka. Where Kafka doesn't acknowledge everything, the answer is 503: what was
acknowledged is guarded, so that the caller can send the whole request again.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from common import events as contract
from common.strict_json import Read
from common.validate import Rejection, judge
from serving import records
from serving.errors import unavailable
from serving.guard import Guard
from serving.logins import Logins
from serving.services import Services

log = logging.getLogger("stylestream.serving.collector")
AGAIN_SECONDS = 0.02
FILLED_BYTES = 512  # what the catalogue may add to an event; Spark takes no larger ones than the collector

Event = dict[str, Any]


@dataclass(frozen=True)
class Receipt:
    """How many events are safe in Kafka, and which were refused."""

    accepted: int
    rejected: list[dict[str, Any]]


class Collector:
    """One a process: it knows the events that are on their way."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._guard = Guard(services.keys, services.config.serving.ack_timeout_seconds)
        self._logins = Logins(services.keys, services.config.profile.ttl_hours)
        self._on_their_way: dict[str, asyncio.Future[bool]] = {}

    async def collect(self, given: Sequence[Read]) -> Receipt:
        """Accepts or refuses each. Raises 503 when Kafka or Redis does not answer."""
        now_ms = time.time_ns() // 1_000_000
        good: dict[str, Event] = {}
        refused: list[tuple[int, Rejection]] = []
        for index, read in enumerate(given):
            judged = judged_to_produce(read, now_ms)
            if isinstance(judged, Rejection):
                refused.append((index, judged))
            else:
                good.setdefault(judged["event_id"], judged)
        await self.quarantine([(given[index].text.encode(), why) for index, why in refused], now_ms)
        if good:
            await self._accept(good)
        accepted = len(given) - len(refused)
        self._services.metrics.resent.inc(accepted - len(good))
        return Receipt(accepted, [{"index": index, "field": r.field, "reason": r.reason} for index, r in refused])

    async def quarantine(self, refused: Sequence[tuple[bytes, Rejection]], now_ms: int) -> None:
        """Puts what is refused where it can be looked at, and counts it."""
        config, metrics = self._services.config, self._services.metrics
        messages = [records.quarantine_message(raw, why, now_ms, config) for raw, why in refused]
        if len(await self._services.producer.send(messages)) < len(messages):
            raise unavailable("Kafka does not answer")
        for _, why in refused:
            metrics.rejected.labels(why.field, why.reason).inc()

    async def _accept(self, events: dict[str, Event], again: bool = True) -> None:
        ours, done = await self._claim(events)
        rest = events.keys() - ours - done
        unseen = {event_id: events[event_id] for event_id in rest if event_id not in self._on_their_way}
        others = [self._on_their_way[event_id] for event_id in rest - unseen.keys()]
        if again:
            self._services.metrics.resent.inc(len(events) - len(ours))
        sent = await self._produce({event_id: events[event_id] for event_id in events if event_id in ours})
        elsewhere = all([await asyncio.shield(other) for other in others])
        if not (sent and elsewhere and (again or not unseen)):
            raise unavailable("Kafka does not answer")
        if unseen:  # the guard was taken a moment ago: who took it has not come to produce yet, or is another process
            await asyncio.sleep(AGAIN_SECONDS)
            await self._accept(unseen, again=False)

    async def _claim(self, events: dict[str, Event]) -> tuple[set[str], set[str]]:
        """Takes the guards and fills the events; one pipeline."""
        items = list(dict.fromkeys(item for event in events.values() if (item := records.lacking(event))))
        pipeline = self._services.redis.pipeline(transaction=False)
        for item in items:
            pipeline.hmget(self._services.keys.product(item), "category", "price")
        self._guard.claim(pipeline, events)
        answers = await pipeline.execute()
        products = dict(zip(items, answers, strict=False))
        for event in events.values():
            records.fill(event, products.get(records.lacking(event) or ""))
        return Guard.claimed(events, answers[len(items) :])

    async def _produce(self, events: dict[str, Event]) -> bool:
        """Whether all are acknowledged; guards and recent lists are right in either case."""
        if not events:
            return True
        loop = asyncio.get_running_loop()
        futures = {event_id: loop.create_future() for event_id in events}
        self._on_their_way |= futures
        acknowledged: set[int] = set()
        try:
            with self._services.metrics.ack.time():
                messages = [records.event_message(event, self._services.config) for event in events.values()]
                acknowledged = await self._services.producer.send(messages)
        finally:
            for index, (event_id, future) in enumerate(futures.items()):
                del self._on_their_way[event_id]
                future.set_result(index in acknowledged)
        kept = {event_id for index, event_id in enumerate(events) if index in acknowledged}
        await self._settle(events, kept)
        return len(kept) == len(events)

    async def _settle(self, events: dict[str, Event], kept: set[str]) -> None:
        """After the acknowledgement Redis failing is no error to the caller: the events are safe."""
        pipeline = self._services.redis.pipeline(transaction=False)
        self._guard.confirm(pipeline, kept)
        self._guard.release(pipeline, events.keys() - kept)
        for event_id in kept:
            event = events[event_id]
            records.remember(pipeline, event, self._services.keys, self._services.config)
            self._services.metrics.accepted.labels(event["event_type"]).inc()
        accepted = [events[event_id] for event_id in kept]
        self._logins.mark(pipeline, accepted)
        pairs = self._logins.new(accepted)
        self._logins.look(pipeline, pairs)
        try:
            answers = await pipeline.execute()
            joining = self._services.redis.pipeline(transaction=False)
            if self._logins.join(joining, pairs, answers[len(answers) - len(pairs) :], time.time_ns() // 1_000_000):
                await joining.execute()
        except RedisError as error:
            log.warning("recent lists not updated after Kafka's acknowledgement: %s", type(error).__name__)


def judged_to_produce(read: Read, now_ms: int) -> Event | Rejection:
    """The clean event, or why it is refused; one that the catalogue's fields would make too large is refused too."""
    judged = judge(read, now_ms)
    if isinstance(judged, Rejection) or len(read.text) < contract.MAX_BYTES // 4:
        return judged
    room = contract.MAX_BYTES - FILLED_BYTES
    return judged if len(records.as_json(judged)) <= room else Rejection(*contract.TOO_LARGE)
