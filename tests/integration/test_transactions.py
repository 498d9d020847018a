"""Producers with transactions: what they take back counts nowhere, and the offsets that this leaves are no loss."""

import dataclasses
from pathlib import Path

import redis
from confluent_kafka import Producer

from common.config import Config
from common.kafka_client import producer_settings
from common.sources.kafka_ends import partition_ends
from local.audit import audited
from tests.integration.test_audit import read
from tests.integration.test_clocks import now_ms, send, view
from tests.platform import item_facts_in_redis, running, wait_for, write_config


def in_a_transaction(config: Config, name: str, messages: list[bytes], commit: bool) -> None:
    producer = Producer(producer_settings(config, **{"transactional.id": f"{config.kafka.topic_prefix}{name}"}))
    producer.init_transactions()
    producer.begin_transaction()
    for message in messages:
        producer.produce(config.topic("behavior"), message, b"u")
    producer.flush(30)
    producer.commit_transaction() if commit else producer.abort_transaction()


def ends(config: Config) -> int:
    places = [f"{config.topic('behavior')}/{number}" for number in range(config.kafka.partitions)]
    return sum(partition_ends(config, places)[1].values())


def test_what_a_producer_takes_back_counts_nowhere_and_all_messages_are_accounted_for(
    config: Config, redis_conn: redis.Redis, tmp_path: Path
) -> None:
    quick = dataclasses.replace(config.streaming, lake_trigger="2 seconds")
    config = dataclasses.replace(config, streaming=quick)
    start = now_ms()
    in_a_transaction(config, "first", [view(f"kept-{n}", start) for n in range(3)], commit=True)
    in_a_transaction(config, "second", [view(f"taken-back-{n}", start) for n in range(5)], commit=False)
    send(config, [(start, view("plain", start)), (start, b"{broken")])
    with running(["stream", "facts", "lake"], write_config(config, tmp_path), tmp_path / "stream.log"):
        wait_for("the first messages", lambda: read(config) == ends(config) == 12, 180)
        in_a_transaction(config, "third", [view("gone", start)], commit=False)  # nothing to read at the end
        wait_for("what was taken back", lambda: read(config) == 14, 120)
        standing = audited(config, wait=120)
    assert str(standing.audit) == "5 produced = 4 counted + 0 copies + 1 quarantined + 0 late: balanced"
    assert (standing.audit.counts.empty, standing.unread) == (9, 0)
    assert sum(row[0] for row in item_facts_in_redis(redis_conn, config.redis.prefix).values()) == 4
