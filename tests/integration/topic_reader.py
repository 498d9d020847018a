"""Reads what a topic holds, for tests, with librdkafka: other tests read with kafka-python."""

from typing import Any

import orjson
from confluent_kafka import Consumer, TopicPartition

from common.config import Config
from common.endpoints import kafka_servers


def records(config: Config, topic: str) -> list[tuple[str | None, dict[str, Any]]]:
    """(key, value) of every record that the topic holds now, in the order of each partition."""
    name = config.topic(topic)
    settings = {"bootstrap.servers": kafka_servers(config), "group.id": "tests", "enable.auto.commit": False}
    consumer: Any = Consumer(settings)
    try:
        found = []
        for number in consumer.list_topics(name, timeout=10).topics[name].partitions:
            first, end = consumer.get_watermark_offsets(TopicPartition(name, number), timeout=10)
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
