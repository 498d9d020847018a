"""What Kafka refuses for good is named and hinders no other event; a producer that cannot go on is made anew."""

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from confluent_kafka import KafkaError, KafkaException
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from common.config import Config
from common.kafka_client import kafka_python_settings
from local.topics import create_topics
from serving.kafka_line import Line
from tests.event_factory import event
from tests.integration.topic_reader import records
from tests.platform import wait_for

LIMIT = "max.message.bytes"
FORBIDDEN = "Kafka forbids writing to its topic"
ABSENT = "Kafka lacks its topic"
PAYMENT = {"amount": 12.5, "card_token": "tok", "method": "card"}
LARGE = "Kafka's topic takes no message so large"


@pytest.fixture
def admin(config: Config) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(**kafka_python_settings(config))
    yield client
    client.close()


def limit(admin: KafkaAdminClient, topic: str, size: int) -> None:
    """The topic takes no larger message."""
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {LIMIT: str(size)})])
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic, {LIMIT: None})]
    wait_for("limited", lambda: _value(admin.describe_configs(asked)["topic"][topic]) == str(size))
    time.sleep(0.5)  # the broker says it before it does it


def _value(told: dict[str, dict[str, str]]) -> str:
    return told.get(LIMIT, {}).get("value", "")


def refused(answer: httpx.Response) -> list[tuple[int, str, str]]:
    assert answer.status_code == 202
    return [(one["index"], one["field"], one["reason"]) for one in answer.json()["rejected"]]


def test_only_the_event_that_is_too_large_for_its_topic_is_refused(
    api: httpx.Client, config: Config, admin: KafkaAdminClient, caplog: Any
) -> None:
    limit(admin, config.topic("behavior"), 3000)
    large = event(properties={"note": "x" * 5000})
    sent = [event(), large, event(), *(event() for _ in range(40))]  # the small ones alone are too many for one batch
    answer = api.post("/v1/events", json={"events": sent})
    assert refused(answer) == [(1, "", LARGE)]
    assert answer.json()["accepted"] == 42
    again = api.post("/v1/events", json={"events": [large, event()]})
    assert (refused(again), again.json()["accepted"]) == ([(0, "", LARGE)], 1)
    found = [value["event_id"] for _, value in records(config, "behavior")]
    assert len(found) == len(set(found)) == 43
    assert large["event_id"] in records(config, "quarantine")[0][1]["raw"]
    told = [record.getMessage() for record in caplog.records if "behavior" in record.getMessage()]
    assert told == [f"messages to topic '{config.topic('behavior')}' are refused: {LARGE}"]


def test_a_body_that_quarantine_does_not_take_is_refused_all_the_same(
    api: httpx.Client, config: Config, admin: KafkaAdminClient
) -> None:
    limit(admin, config.topic("quarantine"), 3000)
    assert api.post("/v1/events", content=b"{" + b"x" * 9000).status_code == 400


def test_a_topic_that_is_not_there_costs_the_others_nothing(
    api: httpx.Client, config: Config, admin: KafkaAdminClient
) -> None:
    payment = event("payment", item_id=None, order_id="o-1", payment=PAYMENT)
    assert api.post("/v1/events", json=event()).status_code == 202
    admin.delete_topics([config.topic("payments")])
    wait_for("gone", lambda: config.topic("payments") not in admin.list_topics())
    begun = time.monotonic()
    answers = [api.post("/v1/events", json={"events": [event(), payment, event()]}) for _ in range(3)]
    assert [refused(answer) for answer in answers] == [[(1, "", ABSENT)]] * 3
    assert time.monotonic() - begun < 8
    assert "payments" in api.get("/readyz").json()["parts"]["kafka"]["detail"]
    create_topics(config)
    wait_for("taken again", lambda: api.post("/v1/events", json=payment).json() == {"accepted": 1, "rejected": []})


def test_what_may_not_be_written_is_named(api: httpx.Client, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    produce = Line.produce

    def forbidding(self: Line, topic: str, value: bytes, key: bytes | None, **options: Any) -> None:
        if topic == config.topic("orders"):
            options["on_delivery"](KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), None)
        else:
            produce(self, topic, value, key, **options)

    monkeypatch.setattr(Line, "produce", forbidding)
    order = event("order", item_id=None, order_id="o-1")
    assert refused(api.post("/v1/events", json={"events": [event(), order]})) == [(1, "", FORBIDDEN)]


def test_after_a_fatal_error_another_producer_goes_on(
    config: Config, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    connect = Line._connect

    class Dead:
        """As librdkafka after a fatal error: refuses all, but still answers."""

        def __init__(self, client: Any) -> None:
            self._client = client

        def produce(self, *_: Any, **__: Any) -> None:
            raise KafkaException(KafkaError(KafkaError._FATAL))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

    def first_is_dead(self: Line) -> Any:
        made.append(connect(self))
        return Dead(made[-1]) if len(made) == 1 else made[-1]

    monkeypatch.setattr(Line, "_connect", first_is_dead)
    brief = dataclasses.replace(config.serving, ack_timeout_seconds=5.0)
    api = serve(dataclasses.replace(config, serving=brief))
    sent = event()
    assert api.post("/v1/events", json=sent).status_code == 503
    wait_for("another", lambda: len(made) == 2)
    assert api.get("/readyz").json()["parts"]["kafka"]["ok"] is False
    assert api.post("/v1/events", json=sent).json() == {"accepted": 1, "rejected": []}
    assert [value["event_id"] for _, value in records(config, "behavior")] == [sent["event_id"]]
