"""Query `catalog`: change records → product cache in Redis, in the source's order.

Reads: topic catalog. Writes: product hashes. Trigger: a second. The log of all changes in Delta, and the
quarantine of those that cannot be read, are the query `lake`'s.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from common.config import Config
from common.sinks.products import write_products
from common.sources.catalog import parse_changes
from common.sources.kafka_records import read_topics
from common.sources.parse import valid
from streaming.query import run_alone, start_query

NAME = "catalog"
TRIGGER = "1 seconds"


def start(spark: SparkSession, config: Config) -> StreamingQuery:
    """Starts the query; it runs until stopped."""

    def write(changes: DataFrame, _batch_id: int) -> None:
        write_products(changes, config)

    records = read_topics(spark, config, ("catalog",))
    changes = valid(parse_changes(records))
    return start_query(changes, NAME, config, write, TRIGGER)


if __name__ == "__main__":
    run_alone(NAME)
