"""Query `facts`: behaviour and orders → item and user facts → Redis.

Reads: topics behavior, orders. Writes: fact hashes and rankings (common/keys.py). Trigger: as soon as the
last micro-batch ends. State: RocksDB, bounded by the watermark.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from common.config import Config
from common.facts.aggregate import aggregate
from common.facts.once import once_in_stream
from common.sinks.redis_facts import encode, write_encoded
from common.sources.kafka_records import read_topics
from common.sources.parse import parse, valid
from streaming.account import note
from streaming.query import run_alone, start_query

NAME = "facts"


def facts(records: DataFrame, config: Config) -> DataFrame:
    """Kafka records → fused facts: the same functions as in batch, with a watermark."""
    events = once_in_stream(valid(parse(records)), config.streaming.watermark)
    return aggregate(events)


def start(spark: SparkSession, config: Config) -> StreamingQuery:
    """Starts the query; it runs until stopped."""
    counted = facts(read_topics(spark, config, ("behavior", "orders")), config)
    # Encoded in the query, which is planned by Spark alone; what `write` builds is built anew for each micro-batch.
    rows = encode(counted, config.rankings.definitions)

    def write(batch: DataFrame, batch_id: int) -> None:
        write_encoded(batch, config)
        note(spark, config, NAME, batch_id)

    return start_query(rows, NAME, config, write, config.streaming.trigger, mode="update")


if __name__ == "__main__":
    run_alone(NAME)
