"""A connection to Kafka to produce by: librdkafka's client, its poll thread, and a new client where one has ended.

A fatal error of the idempotent producer is final for the client that met it (librdkafka: "rd_kafka_fatal_error"):
each message is refused from then on. So a new one takes its place, and what the old one still held has failed.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

log = logging.getLogger("stylestream.serving.producer")
RENEW_SECONDS = 1.0  # at most one new client in so long: the cause may go on
PROVEN_SECONDS = 10.0  # a client that lasts so long can produce, also where nobody has sent it anything
STOP_SECONDS = 2.0


class Line:
    """`start` before use, `stop` at the end; both block shortly. `away` is called when no broker can be reached.
    `clock`: seconds that only grow."""

    def __init__(
        self, settings: dict[str, Any], away: Callable[[], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._away = away
        self._clock = clock
        self._client: Any = self._connect()
        self._ended: KafkaError | None = None
        self._renewed = -RENEW_SECONDS
        self._trouble = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="kafka-poll", daemon=True)

    def start(self) -> None:
        """Starts the poll thread."""
        self._thread.start()

    def stop(self) -> None:
        """Gives what is queued two seconds to leave, then ends the thread."""
        self._client.flush(STOP_SECONDS)
        self._stopping.set()
        self._thread.join(timeout=STOP_SECONDS)

    def topics(self, timeout: float) -> set[str]:
        """Names of the cluster's topics; `KafkaException` when no broker answers. Blocks up to `timeout`."""
        return set(self._client.list_topics(timeout=timeout).topics)

    @property
    def trouble(self) -> str:
        """The last fatal error; '' once something is acknowledged since, and after a while without another: who is not
        ready gets no messages that could be acknowledged."""
        return self._trouble if self._clock() < self._renewed + PROVEN_SECONDS else ""

    def acknowledged(self) -> None:
        """Kafka has taken something: no trouble any more."""
        self._trouble = ""

    def produce(self, topic: str, value: bytes, key: bytes | None, **options: Any) -> None:
        """Queues a message. `BufferError` where the queue is full, `KafkaException` where it is refused at once."""
        try:
            self._client.produce(topic, value, key, **options)
        except KafkaException as error:
            self._note(error.args[0])
            raise

    def _connect(self) -> Any:
        return Producer({**self._settings, "logger": log, "error_cb": self._troubled})

    def _troubled(self, error: KafkaError) -> None:
        self._note(error)
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._away()

    def _note(self, error: KafkaError) -> None:
        if error.fatal() or error.code() == KafkaError._FATAL:
            self._ended = error

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._client.poll(0.1)
            self.renew_if_due()

    def renew_if_due(self) -> None:
        """A new client where this one has ended; at most one in `RENEW_SECONDS`. On the poll thread."""
        if self._ended is not None and self._clock() >= self._renewed + RENEW_SECONDS:
            self._renew(self._ended)

    def _renew(self, error: KafkaError) -> None:
        self._trouble, self._renewed = error.name(), self._clock()
        log.error("Kafka's producer cannot go on (%s): a new one takes its place", self._trouble)
        try:
            fresh = self._connect()
        except KafkaException as failure:  # no thread to be had, or the like: tried again
            log.error("no new producer: %s", failure.args[0])
            return
        old, self._client = self._client, fresh
        old.purge()
        old.flush(0)  # calls back: they have failed
        self._renewed, self._ended = self._clock(), None
