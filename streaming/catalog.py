"""Query `catalog`: change records → product cache in Redis and Delta `catalog`, in the source's order.

Reads: topic catalog. Writes: product hashes, Delta catalog (every change), quarantine. Trigger: a second.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from common.config import Config
from common.sinks.lake import append_once
from common.sinks.products import write_products
from common.sinks.quarantine import quarantine, rejected
from common.sources.catalog import COLUMNS, parse_changes
from common.sources.kafka_records import read_topics
from common.sources.lake import CATALOG
from common.sources.parse import valid
from streaming.query import run_alone, start_query

NAME = "catalog"
TRIGGER = "1 seconds"


def start(spark: SparkSession, config: Config) -> StreamingQuery:
    """Starts the query; it runs until stopped."""

    def write(batch: DataFrame, batch_id: int) -> None:
        # After a delete Debezium sends the key without a value, for Kafka's compaction: no change record.
        parsed = parse_changes(batch.filter(F.col("value").isNotNull())).persist()
        try:
            good = valid(parsed)
            write_products(good, config)
            log = good.select(*COLUMNS, "ingest_time", F.to_date("ingest_time").alias("date"))
            append_once(log, config, CATALOG, batch_id)
            bad = rejected(parsed, NAME)
            if not bad.isEmpty():
                quarantine(bad, config, batch_id)
        finally:
            parsed.unpersist()

    return start_query(read_topics(spark, config, ("catalog",)), NAME, config, write, TRIGGER)


if __name__ == "__main__":
    run_alone(NAME)
