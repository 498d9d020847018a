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
from serving.services import Services

STREAM = "facts"
STALE_SECONDS = 60
STUCK_SECONDS = 300.0  # a micro-batch on a loaded machine may take a minute or two; idle ones report every 10 s
KAFKA_CACHE_SECONDS = 5
KAFKA_TIMEOUT_SECONDS = 2


@dataclass(frozen=True)
class Part:
    """One part's state, and why."""

    ok: bool
    detail: str


class Readiness:
    """One a process: it keeps Kafka's answer for a few seconds."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kafka = Part(False, "not asked yet")
        self._asked = -float(KAFKA_CACHE_SECONDS)
        self._asking = asyncio.Lock()

    async def parts(self) -> dict[str, Part]:
        """Every part. The model's absence is said, but the fallbacks serve without it; so is what became of the
        messages."""
        (redis, stream, model, messages), kafka = await asyncio.gather(self._stored(), self._brokers())
        return {"redis": redis, "kafka": kafka, "stream": stream, "model": model, "messages": messages}

    async def _stored(self) -> tuple[Part, Part, Part, Part]:
        keys = self._services.keys
        try:
            pipeline = self._services.redis.pipeline(transaction=False)
            pipeline.get(keys.progress(STREAM))
            pipeline.get(keys.live_model)
            pipeline.get(keys.canary)
            pipeline.mget(keys.account(STREAM), keys.account("audit"))
            progress, version, canary, accounts = await pipeline.execute()
        except RedisError as error:
            unknown = Part(False, "unknown: Redis does not answer")
            none = Part(True, "unknown")
            return Part(False, f"does not answer ({type(error).__name__})"), unknown, none, none
        beside = f", canary {found}" if (found := load(canary)) else ""
        model = Part(True, f"version {version.decode()}{beside}" if version else "none yet")
        return Part(True, "answers"), self._stream(progress), model, _accounted(*accounts)

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
        moved = time.time() - (report.get("progress_at_ms") or report["written_at_ms"]) / 1000
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
        return Part(True, f"answers, {len(topics)} topics")


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
