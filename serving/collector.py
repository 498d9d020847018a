"""Takes events in: judges each, fills what the catalogue knows, produces, and updates the recent lists.

An event is accepted when Kafka has acknowledged it, now or within the last hour. A request takes two round
trips to Redis and one to Kafka, and one more for categories that are new to this process. What Kafka refuses for
good is refused and put into quarantine. Where it doesn't acknowledge the rest, the answer is 503: what was
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
from common.validate import Rejection, judge, rfc3339
from serving import records
from serving.categories import Categories
from serving.errors import unavailable
from serving.guard import Guard
from serving.logins import ASKED, Logins
from serving.producer import Sent
from serving.searches import Searches
from serving.services import Services

log = logging.getLogger("stylestream.serving.collector")
AGAIN_SECONDS = 0.02
DAY_MS = 24 * 3600 * 1000
ACCEPTED, NOT_YET = "", "Kafka does not answer"  # what became of an event; else why Kafka refuses it
TOO_OLD = Rejection("event_time", "is older than the collector takes (serving.max_event_age_days)")
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
        most, over = services.config.serving.max_categories, services.metrics.categories_over
        self._categories = Categories(services.redis, services.keys, most, over)
        self._searches = Searches(services.config)
        self._on_their_way: dict[str, asyncio.Future[str]] = {}

    async def collect(self, given: Sequence[Read]) -> Receipt:
        """Accepts or refuses each. Raises 503 when Kafka or Redis does not answer, at once when that is known."""
        self._services.producer.circuit.check()
        now_ms = time.time_ns() // 1_000_000
        oldest = rfc3339(now_ms - self._services.config.serving.max_event_age_days * DAY_MS)
        good: dict[str, Event] = {}
        ids: dict[int, str] = {}
        refused: dict[int, Rejection] = {}
        for index, read in enumerate(given):
            judged = judged_to_produce(read, now_ms, oldest)
            if isinstance(judged, Rejection):
                refused[index] = judged
            else:
                ids[index] = judged["event_id"]
                good.setdefault(ids[index], judged)
        await self.quarantine([(given[index].text.encode(), why) for index, why in refused.items()], now_ms)
        await self._categories.bound(good.values())
        untaken = await self._accept(good) if good else {}
        by_kafka = {index: Rejection("", untaken[one]) for index, one in ids.items() if one in untaken}
        await self.quarantine([(given[index].text.encode(), why) for index, why in by_kafka.items()], now_ms)
        self._services.metrics.resent.inc(len(ids) - len(good))
        listed = sorted((refused | by_kafka).items())
        return Receipt(
            len(given) - len(listed), [{"index": index, "field": r.field, "reason": r.reason} for index, r in listed]
        )

    async def quarantine(self, refused: Sequence[tuple[bytes, Rejection]], now_ms: int) -> None:
        """Puts what is refused where it can be looked at, and counts it. What Kafka refuses there too is refused all
        the same: the log names the topic."""
        config, metrics = self._services.config, self._services.metrics
        messages = [records.quarantine_message(raw, why, now_ms, config) for raw, why in refused]
        sent = await self._services.producer.send(messages)
        if len(sent.acknowledged) + len(sent.refused) < len(messages):
            raise unavailable(NOT_YET)
        for _, why in refused:
            metrics.rejected.labels(why.field, why.reason).inc()

    async def _accept(self, events: dict[str, Event], again: bool = True) -> dict[str, str]:
        """Why Kafka refuses events for good, by event_id; the others are accepted. 503 where one is not yet."""
        ours, done = await self._claim(events)
        rest = events.keys() - ours - done
        unseen = {event_id: events[event_id] for event_id in rest if event_id not in self._on_their_way}
        others = {event_id: self._on_their_way[event_id] for event_id in rest - unseen.keys()}
        if again:
            self._services.metrics.resent.inc(len(events) - len(ours))
        became = await self._produce({event_id: events[event_id] for event_id in events if event_id in ours})
        for event_id, other in others.items():
            became[event_id] = await asyncio.shield(other)
        if NOT_YET in became.values():
            raise unavailable(NOT_YET)
        if unseen and not again:
            raise unavailable("another request has brought one of these events and has not ended")
        untaken = {event_id: why for event_id, why in became.items() if why != ACCEPTED}
        if unseen:  # the guard was taken a moment ago: who took it has not come to produce yet, or is another process
            await asyncio.sleep(AGAIN_SECONDS)
            untaken |= await self._accept(unseen, again=False)
        return untaken

    async def _claim(self, events: dict[str, Event]) -> tuple[set[str], set[str]]:
        """Takes the guards and fills the events; one pipeline."""
        items = list(dict.fromkeys(item for event in events.values() if (item := records.lacking(event))))
        pipeline = self._services.redis.pipeline(transaction=False)
        for item in items:
            pipeline.hmget(self._services.keys.product(item), "category", "price")
        name = self._guard.claim(pipeline, events)
        answers = await pipeline.execute()
        products = dict(zip(items, answers, strict=False))
        for event in events.values():
            records.fill(event, products.get(records.lacking(event) or ""))
        return Guard.claimed(events, name, answers[len(items) :])

    async def _produce(self, events: dict[str, Event]) -> dict[str, str]:
        """What became of each; guards and recent lists are right in any case."""
        if not events:
            return {}
        loop = asyncio.get_running_loop()
        futures = {event_id: loop.create_future() for event_id in events}
        self._on_their_way |= futures
        try:  # until the guard says so too: who finds it pending looks here
            became = await self._send(events, futures)
            await self._settle(events, {event_id for event_id, what in became.items() if what == ACCEPTED})
        finally:
            self._gone(futures)
        return became

    async def _send(self, events: dict[str, Event], futures: dict[str, asyncio.Future[str]]) -> dict[str, str]:
        sent = Sent()
        try:
            with self._services.metrics.ack.time():
                messages = [records.event_message(event, self._services.config) for event in events.values()]
                sent = await self._services.producer.send(messages)
        finally:
            became = {event_id: _became(sent, index) for index, event_id in enumerate(events)}
            for event_id, future in futures.items():
                future.set_result(became[event_id])
        return became

    def _gone(self, futures: dict[str, asyncio.Future[str]]) -> None:
        for event_id, future in futures.items():
            if self._on_their_way.get(event_id) is future:  # not that of who has claimed it since
                del self._on_their_way[event_id]

    async def _settle(self, events: dict[str, Event], kept: set[str]) -> None:
        """After the acknowledgement Redis failing is no error to the caller: the events are safe."""
        pipeline = self._services.redis.pipeline(transaction=False)
        self._guard.confirm(pipeline, kept)
        self._guard.release(pipeline, events.keys() - kept)
        now_ms = time.time_ns() // 1_000_000
        for event_id in kept:
            event = events[event_id]
            records.remember(pipeline, event, self._services.keys, self._services.config, now_ms)
            self._services.metrics.accepted.labels(event["event_type"]).inc()
        accepted = [events[event_id] for event_id in kept]
        self._categories.note(pipeline, accepted)
        self._searches.write(pipeline, accepted, now_ms)
        self._logins.mark(pipeline, accepted)
        pairs = self._logins.new(accepted)
        self._logins.look(pipeline, pairs)
        try:
            answers = await pipeline.execute()
            joining = self._services.redis.pipeline(transaction=False)
            whose = answers[len(answers) - ASKED * len(pairs) :]
            if self._logins.join(joining, pairs, whose, time.time_ns() // 1_000_000):
                await joining.execute()
        except RedisError as error:
            log.warning("recent lists not updated after Kafka's acknowledgement: %s", type(error).__name__)


def _became(sent: Sent, index: int) -> str:
    return ACCEPTED if index in sent.acknowledged else sent.refused.get(index, NOT_YET)


def judged_to_produce(read: Read, now_ms: int, oldest: str) -> Event | Rejection:
    """The clean event, or why it is refused; one from before `oldest`, as `rfc3339` writes it, is refused too, and one
    that the catalogue's fields would make too large."""
    judged = judge(read, now_ms)
    if isinstance(judged, Rejection):
        return judged
    if judged["event_time"] < oldest:  # both are in UTC with milliseconds: they sort as text
        return TOO_OLD
    if len(read.text) < contract.MAX_BYTES // 4:
        return judged
    room = contract.MAX_BYTES - FILLED_BYTES
    return judged if len(records.as_json(judged)) <= room else Rejection(*contract.TOO_LARGE)
