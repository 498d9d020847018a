"""Reads what a topic holds, for tests, with librdkafka: other tests read with kafka-python."""

import time
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from common.config import Config
from common.endpoints import kafka_servers

LEADER_SECONDS = 10.0


def records(config: Config, topic: str) -> list[tuple[str | None, dict[str, Any]]]:
    """(key, value) of every record that the topic holds now, in the order of each partition."""
    name = config.topic(topic)
    settings = {"bootstrap.servers": kafka_servers(config), "group.id": "tests", "enable.auto.commit": False}
    consumer: Any = Consumer(settings)
    try:
        found = []
        for number in consumer.list_topics(name, timeout=10).topics[name].partitions:
            first, end = _ends(consumer, TopicPartition(name, number))
            consumer.assign([TopicPartition(name, number, first)])
            while first < end:
                record = consumer.poll(10)
                assert record is not None and record.error() is None, "the topic ends too early"
                first = record.offset() + 1
                key = record.key()
                found.append((key.decode() if key else None, orjson.loads(record.value())))
        return found
    finally:
        consumer.close()


def _ends(consumer: Any, place: TopicPartition) -> tuple[int, int]:
    """The first offset and the one after the last; a partition of a new topic may have no leader for a moment."""
    until = time.monotonic() + LEADER_SECONDS
    while True:
        try:
            ends: tuple[int, int] = consumer.get_watermark_offsets(place, timeout=10)
            return ends
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION or time.monotonic() > until:
                raise
            time.sleep(0.1)
