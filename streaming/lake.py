"""Query `lake`: what arrives → Delta `events` and `catalog`; what cannot be read → Delta and topic `quarantine`.

Reads: topics behavior, orders, payments, catalog, quarantine (for what the collector refused), exposure_candidates and
erasures (what our services note: `common.sources.notes`). Writes: Delta
tables, exactly once, partitioned by date. Trigger: twice a minute, for fewer, larger files: a commit to Delta
costs the same for one row as for thousands.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from common import events as contract
from common.config import Config
from common.events import EVENT_TOPICS, FIELD_NAMES
from common.schemas import QUARANTINE as QUARANTINE_SCHEMA
from common.sinks.lake import append_once
from common.sinks.quarantine import quarantine, rejected
from common.sources.catalog import COLUMNS as CHANGE
from common.sources.catalog import parse_changes
from common.sources.kafka_records import read_topics
from common.sources.lake import CATALOG, ERASURES, EVENTS, EXPOSURE_CANDIDATES
from common.sources.notes import erasures, exposure_candidates
from common.sources.parse import parse, valid
from streaming.account import note_read
from streaming.query import run_alone, start_query

NAME = "lake"
NOTES = {
    contract.EXPOSURE_CANDIDATES: (EXPOSURE_CANDIDATES, exposure_candidates),
    contract.ERASURES: (ERASURES, erasures),
}
REFUSED_JSON = "encoding string, raw string, field string, reason string, source string"


def lake_events(parsed: DataFrame) -> DataFrame:
    """Valid events as the lake keeps them: the contract's fields, unknown ones as JSON in `properties`. Of a name that
    stands in the event's own properties too, that one is called `properties.NAME`: neither is lost."""
    known = F.array(*[F.lit(name) for name in (*FIELD_NAMES, "payment", "properties")])
    all_fields = F.from_json(F.col("raw").cast("string"), "map<string,string>")
    given = F.from_json(F.element_at(all_fields, F.lit("properties")), "map<string,string>")
    extra = F.map_filter(all_fields, lambda name, _: ~F.array_contains(known, name))
    named = F.transform_keys(
        F.coalesce(given, F.create_map().cast("map<string,string>")),
        lambda name, _: F.when(F.map_contains_key(extra, name), F.concat(F.lit("properties."), name)).otherwise(name),
    )
    properties = F.map_concat(named, extra)
    return valid(parsed).select(
        *FIELD_NAMES,
        "payment",
        F.when(F.size(properties) > 0, F.to_json(properties)).alias("properties"),
        "topic",
        "partition",
        "offset",
        "ingest_time",
        F.to_date("event_time").alias("date"),
    )


def refused_by_collector(records: DataFrame) -> DataFrame:
    """Records of the quarantine topic that the collector wrote, as quarantine rows."""
    read = records.withColumn("r", F.from_json(F.col("value").cast("string"), REFUSED_JSON))
    text = F.encode("r.raw", "UTF-8")
    decoded = F.coalesce(F.try_to_binary("r.raw", F.lit("base64")), text)
    raw = F.when(F.col("r.encoding") == "base64", decoded).otherwise(text)
    rows = read.filter("r.source = 'collector'").select(
        raw.alias("raw"), "r.field", "r.reason", "r.source", "topic", "partition", "offset", "timestamp"
    )
    dated = rows.withColumnRenamed("timestamp", "ingest_time").withColumn("date", F.to_date("ingest_time"))
    return dated.select(*QUARANTINE_SCHEMA.fieldNames())


def catalog_log(changes: DataFrame) -> DataFrame:
    """Every change of the catalogue as the source sent it, and what orders it (`common.sources.catalog_order`)."""
    return valid(changes).select(*CHANGE, "offset", "ingest_time", F.to_date("ingest_time").alias("date"))


def append(records: DataFrame, config: Config, batch_id: int) -> None:
    """One micro-batch of Kafka records to its Delta tables; the quarantine last, as it is rarely needed."""
    topics = {row["topic"] for row in records.select("topic").distinct().collect()}
    event_topics = [config.topic(name) for name in EVENT_TOPICS]
    events = parse(records.filter(F.col("topic").isin(event_topics))).persist()  # for the lake and the quarantine
    rejects = rejected(events, NAME)
    refused = refused_by_collector(records.filter(F.col("topic") == config.topic("quarantine")))
    try:
        if topics.intersection(event_topics):
            append_once(lake_events(events), config, EVENTS, batch_id)
        if config.topic("catalog") in topics:
            changes = parse_changes(records.filter(F.col("topic") == config.topic("catalog")))
            append_once(catalog_log(changes), config, CATALOG, batch_id)
            rejects = rejects.unionByName(rejected(changes, "catalog"))
        for topic, (table, read) in NOTES.items():
            if config.topic(topic) in topics:
                append_once(read(records.filter(F.col("topic") == config.topic(topic))), config, table, batch_id)
        quarantine(rejects, refused, config, batch_id)
    finally:
        events.unpersist()


def start(spark: SparkSession, config: Config) -> StreamingQuery:
    """Starts the query; it runs until stopped."""

    def write(batch: DataFrame, batch_id: int) -> None:
        records = batch.persist()
        try:
            append(records, config, batch_id)
            note_read(spark, config, NAME)
        finally:
            records.unpersist()

    records = read_topics(spark, config, (*EVENT_TOPICS, "catalog", "quarantine", *NOTES))
    return start_query(records, NAME, config, write, config.streaming.lake_trigger)


if __name__ == "__main__":
    run_alone(NAME)
