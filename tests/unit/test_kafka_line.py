"""A producer that met a fatal error is made anew, and is no trouble for ever: nobody sends to a process not ready."""

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from serving.kafka_line import PROVEN_SECONDS, RENEW_SECONDS, Line

FATAL = KafkaError(KafkaError._FATAL)


class Client:
    """As librdkafka's; `broken` refuses all as after a fatal error."""

    def __init__(self, broken: bool) -> None:
        self.broken = broken

    def produce(self, *_: Any) -> None:
        if self.broken:
            raise KafkaException(FATAL)

    def purge(self) -> None: ...

    def flush(self, _: float) -> None: ...


class Kafka(Line):
    """Its clients come from a list."""

    def __init__(self, clients: list[Client | Exception]) -> None:
        self.clients, self.now = clients, 100.0
        super().__init__({}, lambda: None, lambda: self.now)

    def _connect(self) -> Any:
        client = self.clients.pop(0)
        if isinstance(client, Exception):
            raise client
        return client


@pytest.fixture
def fatal() -> Callable[..., Kafka]:
    """A line whose first client has met a fatal error; those that come after it."""

    def make(*after: Client | Exception) -> Kafka:
        kafka = Kafka([Client(broken=True), *after])
        with pytest.raises(KafkaException):
            kafka.produce("t", b"", None)
        return kafka

    return make


def test_a_new_producer_that_lasts_is_no_trouble_though_nobody_has_sent_anything(fatal: Callable[..., Kafka]) -> None:
    kafka = fatal(Client(broken=False))
    kafka.renew_if_due()
    assert kafka.trouble == "_FATAL"
    kafka.now += PROVEN_SECONDS - 0.1
    assert kafka.trouble == "_FATAL"
    kafka.now += 0.1
    assert kafka.trouble == ""


def test_an_acknowledgement_ends_the_trouble_at_once(fatal: Callable[..., Kafka]) -> None:
    kafka = fatal(Client(broken=False))
    kafka.renew_if_due()
    kafka.produce("t", b"", None)
    kafka.acknowledged()
    assert kafka.trouble == ""


def test_a_cause_that_goes_on_stays_a_trouble_with_one_new_producer_a_second(fatal: Callable[..., Kafka]) -> None:
    kafka = fatal(*(Client(broken=True) for _ in range(30)))
    for _ in range(100):
        kafka.renew_if_due()
        with pytest.raises(KafkaException):
            kafka.produce("t", b"", None)
        assert kafka.trouble == "_FATAL"
        kafka.now += RENEW_SECONDS / 4
    assert len(kafka.clients) == 30 - 25


def test_where_no_producer_can_be_made_it_is_tried_again(fatal: Callable[..., Kafka]) -> None:
    kafka = fatal(KafkaException(KafkaError(KafkaError._CRIT_SYS_RESOURCE)), Client(broken=False))
    kafka.renew_if_due()
    assert (len(kafka.clients), kafka.trouble) == (1, "_FATAL")
    kafka.renew_if_due()
    assert len(kafka.clients) == 1
    kafka.now += RENEW_SECONDS
    kafka.renew_if_due()
    kafka.produce("t", b"", None)
    assert kafka.clients == []
