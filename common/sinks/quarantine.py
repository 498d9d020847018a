"""What cannot be read: to Delta with the raw bytes and the reason, and to the `quarantine` topic."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.config import Config
from common.kafka_client import spark_kafka_options
from common.schemas import QUARANTINE as SCHEMA
from common.sinks.lake import append_once
from common.sources.json_rules import without_cards
from common.sources.lake import QUARANTINE

TOPIC_BYTES = 400_000  # in base64 it still fits a Kafka message of 1 MB; Delta keeps the whole


def rejected(parsed: DataFrame, source: str) -> DataFrame:
    """`schemas.QUARANTINE` rows of what broke a rule. In: raw, field, reason, topic, partition, offset,
    ingest_time; `source` says who refused it. What may be a card number is hidden."""
    rows = parsed.filter(F.col("reason").isNotNull()).select(
        without_cards(F.col("raw")).alias("raw"),
        "field",
        "reason",
        F.lit(source).alias("source"),
        "topic",
        "partition",
        "offset",
        "ingest_time",
        F.to_date("ingest_time").alias("date"),
    )
    return rows.select(*SCHEMA.fieldNames())


def quarantine(rows: DataFrame, already: DataFrame, config: Config, batch_id: int) -> None:
    """Delta exactly once: `rows` and those `already` in the topic. `rows` to the topic, at least once, keyed by
    where the record came from."""
    kept = rows.persist()  # parsed once for both
    try:
        whole = kept.unionByName(already)
        if not whole.isEmpty():
            append_once(whole, config, QUARANTINE, batch_id)
            _to_topic(kept, config)
    finally:
        kept.unpersist()


def _to_topic(rows: DataFrame, config: Config) -> None:
    key = F.concat_ws("-", "topic", "partition", "offset")
    message = F.to_json(
        F.struct(
            F.lit("base64").alias("encoding"),
            F.base64(F.substring("raw", 1, TOPIC_BYTES)).alias("raw"),
            "field",
            "reason",
            "source",
            (F.length("raw") > TOPIC_BYTES).alias("truncated"),
            "topic",
            "partition",
            "offset",
        )
    )
    kafka = rows.select(key.alias("key"), message.alias("value")).write.format("kafka")
    kafka.options(**spark_kafka_options(config)).option("topic", config.topic("quarantine")).save()
