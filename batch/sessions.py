"""Job `sessions`: the index of session neighbours and its weights, tuned on the newest sessions, published as versions.

Reads `events` of the newest `sessions.days` at one version of the table. A session is a `session_id`, else a user's
actions without a gap of `gap_minutes`; of one item several times running the first counts, of a long session the
newest 50. The sessions stream to one task, which builds the index and writes it as the artifact `sessions`; only its
figures come to the driver. Then the pointers move, the lake's and the one in Redis. Again, it makes another version.
"""

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from batch.entry import run_job
from batch.interactions import user_key
from batch.outcome import Outcome
from batch.tables import newest_days, newest_version
from common.artifacts import Artifacts, artifacts
from common.config import Config
from common.config_models import SessionsConfig
from common.facts.once import once_in_batch
from common.keys import Keys
from common.models.next_item_fit import Sessions, fit
from common.models.session_index import LONGEST
from common.redis_client import redis_target
from common.sources.lake import EVENTS, exists, read_table

NAME = "sessions"
IN_ORDER = ("seconds", "event_id", "item")
FIGURES = "sessions bigint, items bigint, chosen string, found string"


def run(spark: SparkSession, config: Config) -> Outcome:
    """Builds and publishes the index."""
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "no session index: no events yet")
    table = newest_version(spark, config, EVENTS)
    rows = sessions(newest_days(read_table(spark, config, EVENTS, table), config.sessions.days), config.sessions)
    version = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%f}"
    kept, store = rows.orderBy(F.desc("time"), "session").limit(config.sessions.most), artifacts(config, NAME)
    in_order = kept.repartition(1).sortWithinPartitions("time", "session").select("time", "items")

    def written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return build(batches, store, version, {"events_version": table})

    figures = in_order.mapInArrow(written, FIGURES).collect()
    if not figures:
        return Outcome("no-data", "no session index: no session of two items yet")
    store.point(version)
    publish(config)
    store.retire(config.sessions.keep_versions)
    row = figures[0]
    return Outcome("done", f"session index {version} of {row['sessions']} sessions and {row['items']} items")


def publish(config: Config) -> str:
    """Moves the pointer in Redis to the version that is live in the lake, and returns it; '' without one."""
    version = artifacts(config, NAME).live()
    if version:
        with redis_target(config).connect() as client:
            client.set(Keys(config.redis.prefix).live_sessions, version)
    return version


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


def build(
    batches: Iterator[pa.RecordBatch], store: Artifacts, version: str, about: dict[str, Any]
) -> Iterator[pa.RecordBatch]:
    """Fits and writes one version from all sessions, `time, items` oldest first; its figures, if there are any."""
    parts = [batch for batch in batches if batch.num_rows]
    if not parts:
        return
    table = pa.Table.from_batches(parts)
    found, names = coded(table)
    model = fit(found)
    arrays = {"names": names, "ranking": model.weights, **model.index.arrays()}
    note = {**about, "chosen": str(model.chosen), "found": model.found}
    store.write(version, [arrays], note)
    yield pa.record_batch(
        {
            "sessions": pa.array([table.num_rows], pa.int64()),
            "items": pa.array([len(names)], pa.int64()),
            "chosen": [str(model.chosen)],
            "found": [orjson.dumps(model.found).decode()],
        }
    )


def coded(table: pa.Table) -> tuple[Sessions, npt.NDArray[np.bytes_]]:
    """The sessions with items as numbers, and the items' names, UTF-8, sorted: number n is the n-th."""
    items = table["items"].combine_chunks()
    words = items.flatten().dictionary_encode()
    names = np.array([name.encode() for name in words.dictionary.to_pylist()])
    order = np.argsort(names, kind="stable")
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    lengths = items.value_lengths().to_numpy(zero_copy_only=False)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    flat = number[words.indices.to_numpy(zero_copy_only=False)]
    return Sessions(offsets, flat, table["time"].to_numpy(), len(order)), names[order]


if __name__ == "__main__":
    run_job(NAME, run)
