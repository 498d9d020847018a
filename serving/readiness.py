"""Whether every part is fit to serve: Redis, Kafka, the stream, and (for information) the model."""

import asyncio
import time
from dataclasses import dataclass

import orjson
from confluent_kafka import KafkaException
from redis.exceptions import RedisError

from common.audit import Account
from common.events import EVENT_TOPICS
from common.models.canary import load
from common.redis_client import trouble
from serving.query_ages import query_age
from serving.services import Services

STREAM = "facts"
PROBE = "readyz"
STALE_SECONDS = 60
STUCK_SECONDS = 300.0  # a micro-batch on a loaded machine may take a minute or two; idle ones report every 10 s
KAFKA_CACHE_SECONDS = 5
KAFKA_TIMEOUT_SECONDS = 2


@dataclass(frozen=True)
class Part:
    """One part's state, and why. What is not `needed` is said, but the process is fit to serve without it."""

    ok: bool
    detail: str
    needed: bool = True


class Readiness:
    """One a process: it keeps Kafka's answer for a few seconds."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._others = [name for name in services.config.streaming.queries if name != STREAM]
        self._kafka = Part(False, "not asked yet")
        self._asked = -float(KAFKA_CACHE_SECONDS)
        self._asking = asyncio.Lock()

    async def parts(self) -> dict[str, Part]:
        """Every part. The model's absence is said, but the fallbacks serve without it; so is what became of the
        messages, and a query beside the one that serving lives by."""
        stored, refused, kafka = await asyncio.gather(self._stored(), self._refused(), self._brokers())
        if refused and stored["redis"].ok:
            stored["redis"] = Part(False, f"answers, but {refused}")
        return {"redis": stored.pop("redis"), "kafka": kafka, **stored}

    async def _refused(self) -> str:
        """Why Redis takes no writes; '' where it takes them."""
        try:
            await self._services.redis.set(self._services.keys.progress(PROBE), 1, ex=STALE_SECONDS)
        except RedisError as error:
            return trouble(error)
        return ""

    async def _stored(self) -> dict[str, Part]:
        keys = self._services.keys
        try:
            pipeline = self._services.redis.pipeline(transaction=False)
            pipeline.get(keys.progress(STREAM))
            pipeline.get(keys.live_model)
            pipeline.get(keys.canary)
            pipeline.mget(keys.account(STREAM), keys.account("audit"))
            pipeline.mget(keys.progress("demo"), *map(keys.progress, self._others))
            progress, version, canary, accounts, (demo, *reports) = await pipeline.execute()
        except RedisError as error:
            unknown = Part(False, f"unknown: {trouble(error)}")
            none = Part(True, "unknown")
            return {
                "redis": Part(False, trouble(error).removeprefix("Redis ")),
                "stream": unknown,
                "model": none,
                "messages": none,
            }
        beside = f", canary {found}" if (found := load(canary)) else ""
        model = Part(True, f"version {version.decode()}{beside}" if version else "none yet")
        parts = {"redis": Part(True, "answers"), "stream": self._stream(progress), "model": model}
        parts |= {name: _beside(name, report) for name, report in zip(self._others, reports, strict=True)}
        return parts | {"messages": _accounted(*accounts)} | ({"restarts": _restarted(demo)} if demo else {})

    def _stream(self, progress: bytes | None) -> Part:
        if progress is None:
            return Part(False, f"no report of '{STREAM}' yet, or the last one has expired")
        report = orjson.loads(progress)
        age = max(0.0, time.time() - report["written_at_ms"] / 1000)
        self._services.metrics.stream_age.set(age)
        detail = (
            f"batch {report['batch_id']} {age:.0f} s ago, {report['rows_per_second']:.0f} rows/s,"
            f" {report['batch_ms']:.0f} ms a batch, {report['late_rows']} late rows"
        )
        moved = query_age(report)
        if moved > STUCK_SECONDS:
            return Part(False, f"stuck: no micro-batch has ended for {moved:.0f} s; {detail}")
        return Part(age <= STALE_SECONDS, detail if age <= STALE_SECONDS else f"stale: {detail}")

    async def _brokers(self) -> Part:
        async with self._asking:
            if time.monotonic() - self._asked >= KAFKA_CACHE_SECONDS:
                self._kafka = await asyncio.to_thread(self._ask_brokers)
                self._asked = time.monotonic()
        return self._kafka

    def _ask_brokers(self) -> Part:
        try:
            topics = self._services.producer.topics(KAFKA_TIMEOUT_SECONDS)
        except KafkaException:
            return Part(False, "no broker answers")
        missing = [name for name in EVENT_TOPICS if self._services.config.topic(name) not in topics]
        if missing:
            return Part(False, f"topics are missing: {', '.join(missing)}; run 'stylestream topics'")
        if trouble := self._services.producer.trouble:
            return Part(False, f"answers, but its producer cannot go on ({trouble}): look at brokers and rights")
        return Part(True, f"answers, {len(topics)} topics")


def _beside(name: str, report: bytes | None) -> Part:
    """A query that serving does not wait for: without `lake` nothing new reaches batch, without `catalog` products
    grow old."""
    if report is None:
        return Part(False, f"no report yet, or the last one has expired: '{name}' is not running, or fails", False)
    said = orjson.loads(report)
    age = query_age(said)
    detail = f"batch {said['batch_id']} {age:.0f} s ago, {said.get('failures', 0)} failures in a row"
    return Part(age <= STUCK_SECONDS, detail if age <= STUCK_SECONDS else f"stuck: {detail}", False)


def _restarted(demo: bytes) -> Part:
    """What `make demo` had to start again; no reason not to serve."""
    note = orjson.loads(demo)
    minutes = max(0.0, time.time() - note["at_ms"] / 1000) / 60
    return Part(True, f"{note['number']}, the last {minutes:.0f} min ago: {note['last']}")


def _accounted(account: bytes | None, audit: bytes | None) -> Part:
    """What became of the messages that the stream has read, and what the last audit said; no reason not to serve."""
    if account is None:
        return Part(True, "none read yet")
    counts = Account.read(account).total()
    said = f"{counts.counted:,} counted, {counts.copies:,} copies, {counts.late:,} late"
    if audit is None:
        return Part(True, f"{said}; no audit in the last day ('stylestream audit')")
    last = orjson.loads(audit)
    minutes = max(0.0, time.time() - last["at_ms"] / 1000) / 60
    return Part(True, f"{said}; audit {minutes:.0f} min ago: {last['line']}")
