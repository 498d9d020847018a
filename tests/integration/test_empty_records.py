"""Records without a value, in every topic: refused where an event is meant, passed over elsewhere, fatal nowhere."""

import dataclasses
from typing import Any

from confluent_kafka import Producer
from pyspark.sql import SparkSession

from common.config import Config
from common.events import ERASURES, EVENT_TOPICS, EXPOSURE_CANDIDATES
from common.kafka_client import producer_settings
from common.sources.lake import EVENTS, QUARANTINE, read_table
from common.sources.lake_audit import lake_partitions
from streaming import lake
from tests.integration.test_clocks import now_ms, view

EMPTY: list[dict[str, Any]] = [
    {"value": None, "key": b"k"},
    {"value": None},
    {"value": b"", "headers": [(f"h{number}", b"x") for number in range(50)]},
    {"value": None, "headers": [("large", b"x" * 100_000)]},
]


def test_records_without_a_value_are_refused_once_and_stop_no_query(spark: SparkSession, config: Config) -> None:
    quick = dataclasses.replace(config.streaming, lake_trigger="0 seconds")
    producer = Producer(producer_settings(config))
    for topic in (*EVENT_TOPICS, "catalog", "quarantine", EXPOSURE_CANDIDATES, ERASURES):
        for record in EMPTY:
            producer.produce(config.topic(topic), partition=0, **record)
    producer.produce(config.topic("behavior"), view("good", now_ms()), partition=0)
    producer.flush(30)
    query = lake.start(spark, dataclasses.replace(config, streaming=quick))
    try:
        query.processAllAvailable()
    finally:
        query.stop()
    assert [row["event_id"] for row in read_table(spark, config, EVENTS).collect()] == ["good"]
    refused = read_table(spark, config, QUARANTINE).groupBy("topic").count().collect()
    topics = {config.topic(name) for name in EVENT_TOPICS}
    assert {row["topic"]: row["count"] for row in refused if row["topic"] in topics} == dict.fromkeys(topics, 4)
    (part,) = lake_partitions(config, {f"{config.topic('behavior')}/0": (0, 5)}, {f"{config.topic('behavior')}/0": 5})
    assert (part.events, part.quarantined, part.absent, part.doubled) == (1, 4, 0, 0)
