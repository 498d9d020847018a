"""A topic that was deleted and made anew under a running checkpoint: no query goes on as if it were the old one."""

import shutil

import pytest
from confluent_kafka.admin import AdminClient
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from common.config import Config
from common.errors import StylestreamError
from common.kafka_client import connection_settings
from common.sources.kafka_records import read_topics
from common.sources.topic_ids import topic_ids
from local.topics import create_topics
from streaming.query import checkpoint, start_query
from tests.integration.test_clocks import send
from tests.platform import wait_for

NAME = "reader"


def read_all(spark: SparkSession, config: Config) -> list[bytes]:
    """What a query reads from where its checkpoint stands."""
    seen: list[bytes] = []
    records = read_topics(spark, config, ("behavior",))
    query = start_query(
        records, NAME, config, lambda batch, _: seen.extend(row.value for row in batch.collect()), "0 seconds"
    )
    try:
        query.processAllAvailable()
    finally:
        query.stop()
    return sorted(map(bytes, seen))


def make_anew(config: Config) -> None:
    topic = config.topic("behavior")
    before = topic_ids(config, [topic])
    admin = AdminClient(connection_settings(config))
    admin.delete_topics([topic])[topic].result(30)

    def another() -> bool:
        try:
            create_topics(config)
            return topic_ids(config, [topic]) != before
        except StylestreamError:
            return False

    wait_for("a topic of the same name", another)


def test_a_query_refuses_a_topic_made_anew_and_reads_all_of_it_without_its_checkpoint(
    spark: SparkSession, config: Config
) -> None:
    send(config, [(0, b"old-%d" % number) for number in range(4)])
    assert len(read_all(spark, config)) == 4
    send(config, [(0, b"old-4")])
    assert read_all(spark, config) == [b"old-4"]  # a start like any other
    make_anew(config)
    new = [b"new-%02d" % number for number in range(30)]  # in each partition more than the old offsets
    send(config, [(0, message) for message in new])
    with pytest.raises(StreamingQueryException, match=r"made anew since the last start: .*behavior.*remove .*reader"):
        read_all(spark, config)
    shutil.rmtree(checkpoint(config, NAME))
    assert read_all(spark, config) == new
