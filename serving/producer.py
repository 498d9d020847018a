"""Produces to Kafka from the event loop and says which messages Kafka has acknowledged.

librdkafka calls back on a poll thread; the last callback of a request wakes the loop once.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException, Producer

from common.config import Config
from common.kafka_client import producer_settings

log = logging.getLogger("stylestream.serving.producer")
GRACE_SECONDS = 1.0


@dataclass(frozen=True)
class Message:
    """What to produce; `topic` is Kafka's name of it."""

    topic: str
    key: bytes | None
    value: bytes


@dataclass
class _Delivery:
    """The messages of one request on their way."""

    loop: asyncio.AbstractEventLoop
    waiting: set[int]
    done: asyncio.Future[None]
    acknowledged: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self, index: int, error: object) -> None:
        """One message is acknowledged (error None) or has failed; called on any thread."""
        with self.lock:
            self.waiting.discard(index)
            if error is None:
                self.acknowledged.add(index)
            last = not self.waiting
        if last:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                self.loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


class AckProducer:
    """`start` before use, `stop` at the end; both block shortly."""

    def __init__(self, config: Config) -> None:
        self._timeout = config.serving.ack_timeout_seconds
        settings = producer_settings(config, message_timeout_ms=int(self._timeout * 1000))
        settings["log.connection.close"] = False
        self._producer: Any = Producer({**settings, "logger": log})
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="kafka-poll", daemon=True)

    def start(self) -> None:
        """Starts the poll thread."""
        self._thread.start()

    def stop(self) -> None:
        """Gives what is queued two seconds to leave, then ends the thread."""
        self._producer.flush(2)
        self._stopping.set()
        self._thread.join(timeout=2)

    def topics(self, timeout: float) -> set[str]:
        """Names of the cluster's topics; `KafkaException` when no broker answers. Blocks up to `timeout`."""
        return set(self._producer.list_topics(timeout=timeout).topics)

    async def send(self, messages: Sequence[Message]) -> set[int]:
        """Indices of the messages that Kafka has acknowledged; the others have failed or timed out."""
        if not messages:
            return set()
        loop = asyncio.get_running_loop()
        delivery = _Delivery(loop, set(range(len(messages))), loop.create_future())
        for index, message in enumerate(messages):
            self._produce(delivery, index, message)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(delivery.done), self._timeout + GRACE_SECONDS)
        with delivery.lock:
            return set(delivery.acknowledged)

    def post(self, message: Message) -> bool:
        """Queues a message that nobody waits for; False where the queue is full or Kafka refuses at once."""
        try:
            self._producer.produce(message.topic, message.value, message.key)
        except (BufferError, KafkaException):
            return False
        return True

    def _produce(self, delivery: _Delivery, index: int, message: Message) -> None:
        def delivered(error: object, _: object) -> None:
            delivery.settle(index, error)

        try:
            self._producer.produce(message.topic, message.value, message.key, on_delivery=delivered)
        except (BufferError, KafkaException) as error:  # queue full, or refused at once
            delivery.settle(index, error)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(0.1)
