"""Produces to Kafka from the event loop and says which messages Kafka has acknowledged, and which it refuses for good.

librdkafka calls back on a poll thread; the last callback of a request wakes the loop once.
"""

import asyncio
import logging
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException

from common.config import Config
from common.kafka_client import producer_settings
from serving.circuit import PROBE_SECONDS, Circuit
from serving.kafka_line import Line

log = logging.getLogger("stylestream.serving.producer")
GRACE_SECONDS = 1.0
SLOW_SECONDS = 0.8  # an acknowledgement usually takes milliseconds
UNKNOWN_SECONDS = 3.0  # how long a topic may be unknown to a broker that has just been told of it
TOO_LARGE = KafkaError.MSG_SIZE_TOO_LARGE
ABSENT, FORBIDDEN, INVALID = "Kafka lacks its topic", "Kafka forbids writing to its topic", "Kafka refuses its form"
REFUSALS = {  # no later try changes them
    TOO_LARGE: "Kafka's topic takes no message so large",
    KafkaError.RECORD_LIST_TOO_LARGE: "Kafka's topic takes no message so large",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: FORBIDDEN,
    KafkaError.UNKNOWN_TOPIC_OR_PART: ABSENT,
    KafkaError._UNKNOWN_TOPIC: ABSENT,
    KafkaError._UNKNOWN_PARTITION: ABSENT,
    KafkaError.INVALID_RECORD: INVALID,
    KafkaError.POLICY_VIOLATION: INVALID,
}


@dataclass(frozen=True)
class Message:
    """What to produce; `topic` is Kafka's name of it."""

    topic: str
    key: bytes | None
    value: bytes


@dataclass(frozen=True)
class Sent:
    """Indices of the messages that Kafka has acknowledged, and why it refuses others for good; the rest has failed or
    timed out, and may be sent again."""

    acknowledged: Collection[int] = ()
    refused: dict[int, str] = field(default_factory=dict)


@dataclass
class _Delivery:
    """The messages of one request on their way."""

    loop: asyncio.AbstractEventLoop
    waiting: set[int]
    done: asyncio.Future[None]
    ended: dict[int, KafkaError | None] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self, index: int, error: KafkaError | None) -> None:
        """One message is acknowledged (error None) or has failed; called on any thread."""
        with self.lock:
            self.waiting.discard(index)
            self.ended[index] = error
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
        self._settings = producer_settings(config, message_timeout_ms=int(self._timeout * 1000))
        self._settings["log.connection.close"] = False
        self._settings["topic.metadata.propagation.max.ms"] = int(UNKNOWN_SECONDS * 1000)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.circuit = Circuit("Kafka", lambda: asyncio.to_thread(self.topics, PROBE_SECONDS))
        self._line = Line(self._settings, self._away)
        self._alone: Line | None = None
        self._told: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Starts the poll thread. On the event loop."""
        self._loop = asyncio.get_running_loop()
        self._line.start()

    def stop(self) -> None:
        """Gives what is queued two seconds to leave, then ends the threads."""
        self.circuit.close()
        for line in (self._line, self._alone):
            if line is not None:
                line.stop()

    def topics(self, timeout: float) -> set[str]:
        """Names of the cluster's topics; `KafkaException` when no broker answers. Blocks up to `timeout`."""
        return self._line.topics(timeout)

    @property
    def trouble(self) -> str:
        """The fatal error of a moment ago after which nothing has been acknowledged yet; '' where there is none."""
        return self._line.trouble

    async def send(self, messages: Sequence[Message]) -> Sent:
        """What became of each. All have failed at once while the circuit is open."""
        if not messages or self.circuit.is_open:
            return Sent()
        ended = await self._ended(self._line, dict(enumerate(messages)))
        # Kafka judges a batch as one message: what went with a large one, or was many, is sent again alone.
        large = {index: messages[index] for index, error in ended.items() if error and error.code() == TOO_LARGE}
        if large:
            again = await self._ended(self._line_of_one(), large)
            ended = {index: error for index, error in ended.items() if index not in large} | again
        refused = {
            index: REFUSALS[error.code()] for index, error in ended.items() if error and error.code() in REFUSALS
        }
        for index, why in refused.items():
            self._tell(messages[index].topic, why)
        acknowledged = {index for index, error in ended.items() if error is None}
        if acknowledged:
            self._line.acknowledged()
        return Sent(acknowledged, refused)

    def post(self, message: Message) -> bool:
        """Queues a message that nobody waits for; False where the queue is full or Kafka refuses at once."""
        try:
            self._line.produce(message.topic, message.value, message.key)
        except (BufferError, KafkaException):
            return False
        return True

    async def _ended(self, line: Line, messages: dict[int, Message]) -> dict[int, KafkaError | None]:
        """The error of each message that has ended in time, None where it is acknowledged."""
        loop = asyncio.get_running_loop()
        delivery = _Delivery(loop, set(messages), loop.create_future())
        for index, message in messages.items():
            _produce(line, delivery, index, message)
        await asyncio.wait([delivery.done], timeout=SLOW_SECONDS)
        if not delivery.done.done():
            self.circuit.suspect()
            await asyncio.wait([delivery.done], timeout=self._timeout + GRACE_SECONDS - SLOW_SECONDS)
        with delivery.lock:
            return dict(delivery.ended)

    def _line_of_one(self) -> Line:
        """A line on which each message is a batch; made when it is needed first."""
        if self._alone is None:
            self._alone = Line({**self._settings, "batch.num.messages": 1}, self._away)
            self._alone.start()
        return self._alone

    def _tell(self, topic: str, why: str) -> None:
        """Logs each kind of refusal once: callers can cause them."""
        if (topic, why) not in self._told:
            self._told.add((topic, why))
            log.error("messages to topic '%s' are refused: %s", topic, why)

    def _away(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody asks
                self._loop.call_soon_threadsafe(self.circuit.suspect)


def _produce(line: Line, delivery: _Delivery, index: int, message: Message) -> None:
    def delivered(error: KafkaError | None, _: object) -> None:
        delivery.settle(index, error)

    try:
        line.produce(message.topic, message.value, message.key, on_delivery=delivered)
    except BufferError:  # the queue is full
        delivery.settle(index, KafkaError(KafkaError._QUEUE_FULL))
    except KafkaException as error:  # refused at once
        delivery.settle(index, error.args[0])
