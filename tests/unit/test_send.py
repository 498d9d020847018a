"""The open-loop sender by a clock that only waiting moves: what is due is sent then, what is late at once."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from common.config_load import load_config
from common.errors import UnavailableError
from local import produce
from local.produce import BUFFERED, Message, Sent, send

CONFIG = load_config(env={})


class Broker:
    """Stands for a producer; `poll` is the only thing that takes time. `room`: messages that the queue holds."""

    def __init__(self) -> None:
        self.now = 50.0
        self.room = BUFFERED
        self.refused = 0
        self.sent: list[tuple[float, bytes]] = []
        self._waiting: list[Any] = []

    def clock(self) -> float:
        return self.now

    def produce(self, topic: str, value: bytes, key: str, on_delivery: Any) -> None:
        if len(self._waiting) >= self.room:
            raise BufferError
        self.sent.append((round(self.now - 50, 9), value))
        self._waiting.append(on_delivery)

    def poll(self, seconds: float) -> None:
        self.now += seconds
        self._deliver()

    def flush(self, seconds: float) -> int:
        self._deliver()
        return 0

    def _deliver(self) -> None:
        for delivered in self._waiting:
            delivered("queue full" if self.refused else None, None)
            self.refused -= bool(self.refused)
        self._waiting.clear()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(produce, "connect", lambda *_: made)
    return made


def sent_by(broker: Broker, messages: Iterable[Message], **more: Any) -> Sent:
    return send(CONFIG, messages, ("behavior",), clock=broker.clock, **more)


def test_late_messages_are_sent_at_once_and_the_others_when_due(broker: Broker) -> None:
    late = [Message(-5.0, "behavior", "k", b"late")] * 300
    report = sent_by(broker, [*late, *(Message(n / 200, "behavior", "k", b"due") for n in range(200))])
    assert broker.sent[:300] == [(0.0, b"late")] * 300
    assert [at for at, _ in broker.sent[300:]] == pytest.approx([n / 200 for n in range(200)])
    assert (report.sent, report.acked, report.failed, report.max_lag) == (500, 500, 0, 5.0)
    assert report.lag == pytest.approx(0.0)


def test_a_slow_source_does_not_stretch_the_schedule(broker: Broker) -> None:
    def stalling() -> Iterator[Message]:
        for n in range(100):
            if n == 20:
                broker.now += 1.5  # 0.38 s after the start, when the message before was sent
            yield Message(n / 50, "behavior", "k", b"x")

    report = sent_by(broker, stalling())
    due = [n / 50 for n in range(100)]
    assert [at for at, _ in broker.sent] == pytest.approx([*due[:20], *(max(1.88, at) for at in due[20:])])
    assert report.max_lag == pytest.approx(1.48)
    assert (report.lag, report.seconds) == pytest.approx((0.0, 1.98))


@pytest.mark.parametrize(("early", "waits"), [(0.0009, False), (0.0011, True)])
def test_what_is_due_within_a_millisecond_is_not_waited_for(broker: Broker, early: float, waits: bool) -> None:
    sent_by(broker, [Message(early, "behavior", "k", b"x")])
    assert broker.sent == [(early if waits else 0.0, b"x")]


def test_a_full_queue_is_waited_for_and_nothing_is_left_out(broker: Broker) -> None:
    broker.room = 3
    report = sent_by(broker, [Message(0, "behavior", "k", b"%d" % n) for n in range(10)])
    assert [value for _, value in broker.sent] == [b"%d" % n for n in range(10)]
    assert [at for at, _ in broker.sent] == pytest.approx([0.05 * (n // 3) for n in range(10)])
    assert (report.sent, report.acked) == (10, 10)


def test_what_kafka_does_not_acknowledge_is_counted_as_failed_with_its_reason(broker: Broker) -> None:
    broker.refused = 2
    report = sent_by(broker, [Message(0, "behavior", "k", b"x")] * 5)
    assert (report.sent, report.acked, report.failed) == (5, 3, 2)
    assert report.line() == "sent 5 in 0 s (0/s), lag 0.0 s, 2 failed (queue full)"


def test_progress_is_said_every_so_many_seconds(broker: Broker) -> None:
    said: list[tuple[int, float]] = []
    messages = [Message(n / 2, "behavior", "k", b"x") for n in range(9)]  # for 4 seconds
    sent_by(broker, messages, progress=lambda report: said.append((report.sent, report.seconds)), every_seconds=1.5)
    assert said == [(4, pytest.approx(1.5)), (7, pytest.approx(3.0))]


def test_a_broker_that_does_not_answer_is_asked_for_eight_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    class Nowhere:
        def __init__(self, _settings: object) -> None:
            pass

        def list_topics(self, timeout: float) -> None:
            waited.append(timeout)
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    monkeypatch.setattr(produce, "Producer", Nowhere)
    nowhere = dataclasses.replace(CONFIG, kafka=dataclasses.replace(CONFIG.kafka, bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(UnavailableError, match="does not answer"):
        produce.connect(nowhere, ("behavior",), Sent())
    assert waited == [8.0]
