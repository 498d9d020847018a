"""Job `sessions`: the index of session neighbours and its weights, tuned on the newest sessions, published as versions.

Reads `events` of the newest `sessions.days` at one version of the table. A session is a `session_id`, else a user's
actions without a gap of `gap_minutes`; of one item several times running the first counts, of a long session the
newest 50. The sessions stream to one task, which builds the index, judges it (`batch.session_gate`) and writes it as
the artifact `sessions`; only its figures come to the driver. A row is added to `session_runs`; then the pointers move,
the lake's and the one in Redis. An index that the gate refuses is not written (exit 10): the live one stays. Again, it
makes another version.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F

from batch import registry
from batch.entry import run_job
from batch.interactions import user_key
from batch.outcome import Outcome
from batch.pointer import serve_new
from batch.session_build import FIGURES, build
from batch.session_versions import NAME, POINTER, index_store, retire
from batch.tables import newest_days, newest_version
from common.config import Config
from common.config_models import SessionsConfig
from common.facts.once import once_in_batch
from common.models.next_item_fit import LENGTH
from common.models.session_index import LONGEST
from common.sources.lake import EVENTS, exists, read_table

IN_ORDER = ("seconds", "event_id", "item")


def run(spark: SparkSession, config: Config) -> Outcome:
    """Builds, judges and, when good enough, publishes the index."""
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "no session index: no events yet")
    started, table = datetime.now(timezone.utc), newest_version(spark, config, EVENTS)
    rows = sessions(newest_days(read_table(spark, config, EVENTS, table), config.sessions.days), config.sessions)
    version, settings = registry.version_name(started), config.sessions
    kept, store = rows.orderBy(F.desc("time"), "session").limit(settings.most), index_store(config)
    in_order = kept.repartition(1).sortWithinPartitions("time", "session").select("time", "items")
    live = store.live()

    def written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return build(batches, store, version, {"events_version": table}, settings, live)

    figures = in_order.mapInArrow(written, FIGURES).collect()
    if not figures:
        return Outcome("no-data", "no session index: no session of two items yet")
    return _publish(spark, config, version, started, table, figures[0])


def _publish(
    spark: SparkSession, config: Config, version: str, started: datetime, events_version: int, figures: Row
) -> Outcome:
    metrics: dict[str, Any] = {name: figures[name] for name in ("sessions", "items")} | json.loads(figures["metrics"])
    texts = json.dumps(asdict(config.sessions)), json.dumps(metrics)
    status: registry.Status = "refused" if figures["refusal"] else "published"
    run = registry.Run(version, started, datetime.now(timezone.utc), events_version, *texts, status)
    registry.record(spark, config, run, NAME)
    if figures["refusal"]:
        return Outcome("refused", f"session index {version} refused: {figures['refusal']}")
    how = serve_new(spark, config, POINTER, version)
    retire(spark, config)
    quality = (
        f"Recall@{LENGTH} {metrics['recall']:.4f} (popularity {metrics['popularity']:.4f})"
        if metrics["questions"]
        else "too few questions to judge it by"
    )
    return Outcome(
        "done",
        f"session index {version} {how}: {metrics['sessions']} sessions, {metrics['items']} items, {quality},"
        f" events version {events_version}",
    )


def sessions(events: DataFrame, config: SessionsConfig) -> DataFrame:
    """`session, time` (of its last action, epoch seconds), `items` in order; sessions of one item are left out."""
    kept = once_in_batch(events.where(F.col("event_type").isin(*config.actions) & F.col("item_id").isNotNull()))
    seconds = F.col("event_time").cast("double").alias("seconds")
    rows = kept.select("session_id", user_key().alias("user"), seconds, "event_id", F.col("item_id").alias("item"))
    of_user = Window.partitionBy("session_id", "user").orderBy("seconds", "event_id")
    starts = F.col("session_id").isNull() & (
        F.col("seconds") - F.lag("seconds").over(of_user) > config.gap_minutes * 60
    )
    marked = rows.withColumn("starts", F.coalesce(starts, F.lit(False)).cast("int"))
    number = F.sum("starts").over(of_user.rowsBetween(Window.unboundedPreceding, 0))
    own = F.concat(F.lit("u:"), "user", F.lit(":"), number.cast("string"))
    given = F.concat(F.lit("s:"), "session_id")
    named = marked.withColumn("session", F.when(F.col("session_id").isNull(), own).otherwise(given))
    in_session = Window.partitionBy("session").orderBy("seconds", "event_id")
    changed = named.withColumn("before", F.lag("item").over(in_session)).where("before is null or before <> item")
    newest = Window.partitionBy("session").orderBy(F.desc("seconds"), F.desc("event_id"))
    short = changed.withColumn("n", F.row_number().over(newest)).where(F.col("n") <= LONGEST)
    grouped = short.groupBy("session").agg(
        F.max("seconds").alias("time"),
        F.array_sort(F.collect_list(F.struct("seconds", "event_id", "item"))).alias("all"),
    )
    return grouped.select("session", "time", F.col("all.item").alias("items")).where(F.size("items") > 1)


if __name__ == "__main__":
    run_job(NAME, run)
