"""Kafka topics as streams of raw records."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from common.config import Config
from common.kafka_client import spark_kafka_options

BROKERS_TIME = 1  # LogAppendTime, in Kafka's record format


def read_topics(spark: SparkSession, config: Config, names: tuple[str, ...]) -> DataFrame:
    """A stream of the records of our topics `names`: key, value, topic, partition, offset, timestamp (of receipt).

    A micro-batch takes at most `streaming.max_offsets_per_trigger` records, whatever the backlog. Data that
    Kafka has already deleted stops the query with an error rather than being skipped in silence. Of a producer's
    transaction only what is committed is read.
    """
    options = spark_kafka_options(config) | {
        "subscribe": ",".join(config.topic(name) for name in names),
        "startingOffsets": config.streaming.starting_offsets,
        "maxOffsetsPerTrigger": str(config.streaming.max_offsets_per_trigger),
        "failOnDataLoss": "true",
        "kafka.isolation.level": "read_committed",  # what a producer has taken back never happened
        # After its records a consumer asks for the ends of the partition, and the broker answers a connection in
        # order: that question waits behind the next fetch, half a second by default where little arrives.
        "kafka.fetch.max.wait.ms": "5",
        # It asks so after each poll: few large ones. A poll takes what one fetch brought, at most a megabyte.
        "kafka.max.poll.records": "10000",
    }
    records = spark.readStream.format("kafka").options(**options).load().withColumn("timestamp", received())
    tasks = config.streaming.read_tasks
    return records.coalesce(tasks) if tasks else records


def received() -> Column:
    """When the broker took a record. Where the topic carries the producer's time (CreateTime) that is not known: it is
    what the producer says, but not after this micro-batch began."""
    by_broker = F.col("timestampType") == BROKERS_TIME
    return F.when(by_broker, F.col("timestamp")).otherwise(F.least("timestamp", F.current_timestamp()))
