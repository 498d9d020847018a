"""Open-loop sender: puts messages into Kafka when they are due, whatever Kafka and the readers do.

Enters: an iterator of `Message(due, topic, key, value)`; `due` is in seconds after the first message is asked
for, in non-decreasing order (0: as soon as it goes, which is never late), and `topic` is one of ours without
the prefix. A message that is late is sent at once and never skipped, so a slow broker shows as lag and not
as a lower load (no coordinated omission). Leaves: a `Sent` report. Kafka missing at the start:
`UnavailableError` within 10 s; messages that Kafka did not acknowledge are counted as failed, never dropped
in silence.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from confluent_kafka import KafkaException, Producer

from common.config import Config
from common.endpoints import kafka_servers
from common.errors import UnavailableError
from common.kafka_client import producer_settings

CONNECT_SECONDS = 8.0
FLUSH_SECONDS = 20.0
FLUSH_SECONDS_STOPPED = 6.0
SLACK_SECONDS = 0.001  # a message due within this is sent now: sleeping costs more than that
BUFFERED = 20_000  # bounds how far partitions can drift apart, see local/datasets/__init__.py


class Message(NamedTuple):
    due: float
    topic: str
    key: str
    value: bytes


@dataclass
class Sent:
    """What happened so far. `lag` is how late the newest message with a due time was sent, in seconds."""

    sent: int = 0
    acked: int = 0
    failed: int = 0
    seconds: float = 0.0
    lag: float = 0.0
    max_lag: float = 0.0
    error: str = ""  # why the newest of the failed was not taken
    trouble: str = ""  # what librdkafka said of the brokers last

    def delivered(self, error: Any, _message: Any) -> None:
        """librdkafka's delivery callback."""
        if error is None:
            self.acked += 1
            self.trouble = ""
        else:
            self.failed += 1
            self.error = str(error)

    def troubled(self, error: Any) -> None:
        """librdkafka's callback for what is no message's own: a broker that is gone."""
        self.trouble = error.str()

    def line(self) -> str:
        """One line for people."""
        rate = self.sent / self.seconds if self.seconds else 0.0
        failed = f", {self.failed:,} failed ({self.error or self.trouble})" if self.failed else ""
        if not failed and self.trouble and self.acked < self.sent:
            failed = f", {self.sent - self.acked:,} not acknowledged ({self.trouble})"
        return f"sent {self.sent:,} in {self.seconds:.0f} s ({rate:,.0f}/s), lag {self.lag:.1f} s{failed}"


@contextmanager
def stopped_by_signal() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, so that a sender can end with what it has sent."""
    stop = threading.Event()
    before = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def send(
    config: Config,
    messages: Iterable[Message],
    topics: Iterable[str],
    stop: threading.Event | None = None,
    progress: Callable[[Sent], None] = lambda _: None,
    every_seconds: float = 5.0,
    clock: Callable[[], float] = time.monotonic,
) -> Sent:
    """Sends all `messages` when due by `clock` (seconds that only grow), or until `stop` is set; calls `progress` every
    `every_seconds`."""
    stop = stop or threading.Event()
    report = Sent()
    producer = connect(config, topics, report)
    start = clock()
    report_at = start + every_seconds
    for message in messages:
        due = start + message.due
        while due > (now := clock()) + SLACK_SECONDS and not stop.is_set():
            producer.poll(min(due - now, 0.1))
        if stop.is_set() or not _produce(producer, config.topic(message.topic), message, report, stop):
            break
        report.sent += 1
        if not report.sent & 63:
            producer.poll(0)
        if message.due:
            report.lag = max(0.0, now - due)
            report.max_lag = max(report.max_lag, report.lag)
        if now >= report_at:
            report_at, report.seconds = now + every_seconds, now - start
            progress(report)
    wait = FLUSH_SECONDS_STOPPED if stop.is_set() else FLUSH_SECONDS
    left = producer.flush(wait)
    report.failed += left  # read after the flush, which counts failures too
    if left:
        report.error = report.trouble or report.error or f"no acknowledgement within {wait:g} s"
    report.seconds = clock() - start
    return report


def connect(config: Config, topics: Iterable[str], report: Sent) -> Any:
    """A producer for `topics` that tells `report` of lost brokers; `UnavailableError` when Kafka does not answer or a
    topic is missing."""
    # uncompressed: kafka-python, with which people look at topics, reads lz4 only with a further package
    settings = producer_settings(config, queue_buffering_max_messages=BUFFERED, compression_type="none")
    producer = Producer({**settings, "log_level": 0, "error_cb": report.troubled})
    try:
        present = producer.list_topics(timeout=CONNECT_SECONDS).topics
    except KafkaException as error:
        raise UnavailableError(
            f"Kafka at {kafka_servers(config)} does not answer ({error.args[0].str()}):"
            " run 'stylestream up', or name a running broker in kafka.bootstrap_servers"
        ) from None
    missing = sorted({config.topic(name) for name in topics} - set(present))
    if missing:
        raise UnavailableError(f"Kafka has no topic {', '.join(missing)}: run 'stylestream topics'")
    return producer


def _produce(producer: Any, topic: str, message: Message, report: Sent, stop: threading.Event) -> bool:
    """Hands a message to librdkafka, waiting while its queue is full; False when stopped meanwhile
    or when it takes no more."""
    while not stop.is_set():
        try:
            producer.produce(topic, message.value, message.key, on_delivery=report.delivered)
            return True
        except BufferError:
            producer.poll(0.05)
        except KafkaException as error:  # nothing more will be taken
            report.failed, report.error = report.failed + 1, error.args[0].str()
            return False
    return False
