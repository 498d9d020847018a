"""Job `forget`: deletes those who asked to be forgotten, up to the moment they asked, from Delta and Redis.

Reads Delta `erasures` (from `DELETE /v1/users/{id}` by the lake). A request covers the user, the sessions named with
it, and every session in which the user was ever seen. Deletes their rows from `TABLES`; the files that held them stay
until they are vacuumed (docs/operations.md). Facts by item count no persons and stay until their date is recounted.

Events may still be on their way into the lake when somebody asks. So a request is carried out in every run until one
begins `SETTLE` after it; only then is it done, and its user kept as a hash. Running again changes nothing.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch import registry
from batch.entry import run_job
from batch.outcome import Outcome
from batch.publish import Put, Row, write
from common.config import Config
from common.events import MAX_AHEAD_MS
from common.keys import Keys
from common.redis_client import redis_target
from common.sinks.forget import SETTLED_SECONDS, STANDS_SECONDS, forget_in_redis
from common.sources.lake import (
    ERASURES,
    EVENTS,
    EXPOSURE_CANDIDATES,
    QUERY_FACTS,
    USER_FACTS,
    exists,
    read_table,
    table_path,
)

SETTLE = timedelta(hours=1)
MOMENT = "timestamp_millis(x.until_ms)"
AHEAD = f"timestamp_millis(x.until_ms + {MAX_AHEAD_MS})"  # an event's own time may be that much past its arrival
# Table → which of its rows (t) are those of a forgotten id (x). An event goes if it happened or arrived by then.
# Events last: they say which sessions were a user's, and a run that fails before finds them again.
TABLES = {
    USER_FACTS: f"t.user = x.id and t.window_start <= {AHEAD}",
    QUERY_FACTS: f"t.user = x.id and t.window_start <= {AHEAD}",
    EXPOSURE_CANDIDATES: f"t.user_id = x.id and t.time <= {MOMENT}",
    "als_candidates": "t.user = x.id",
    "als_user_factors": "t.user = x.id",
    EVENTS: f"coalesce(t.user_id, t.session_id) = x.id and least(t.event_time, t.ingest_time) <= {MOMENT}",
}


def run(spark: SparkSession, config: Config) -> Outcome:
    """Carries out every request that is not done."""
    started = datetime.now(timezone.utc)
    waiting = pending(spark, config)
    if waiting is None:
        return Outcome("done", "nobody has asked to be forgotten")
    # Not persisted: Spark drops what it keeps of a table as soon as rows are deleted from it.
    ids = forgotten(waiting, read_table(spark, config, EVENTS)).localCheckpoint()
    number = ids.count()
    write(ids, redis_target(config), _forget(config, _versions(spark, config), STANDS_SECONDS))
    for table, condition in TABLES.items():
        if number and exists(spark, config, table):
            target = DeltaTable.forPath(spark, table_path(config, table)).alias("t")
            target.merge(ids.alias("x"), condition).whenMatchedDelete().execute()
    settled = F.col("requested_ms") < int((started - SETTLE).timestamp() * 1000)
    done = forgotten(waiting.where(settled), read_table(spark, config, EVENTS))
    write(done, redis_target(config), _settle(config))
    values = {"user": F.sha2("user", 256), "sessions": F.lit(None), "done_at": F.lit(started)}
    DeltaTable.forPath(spark, table_path(config, ERASURES)).update(settled & F.col("done_at").isNull(), values)
    return Outcome("done", f"{number} users and sessions forgotten up to the moment they asked")


def pending(spark: SparkSession, config: Config) -> DataFrame | None:
    """The requests not done yet; None where nobody has ever asked."""
    if not exists(spark, config, ERASURES):
        return None
    return read_table(spark, config, ERASURES).where("done_at is null").select("user", "sessions", "requested_ms")


def forgotten(requests: DataFrame, events: DataFrame) -> DataFrame:
    """`id, until_ms`: users and sessions, and up to when nothing of theirs may stay."""
    named = F.explode(F.concat(F.array("user"), F.coalesce("sessions", F.array().cast("array<string>")))).alias("id")
    asked = requests.select("user", named, F.col("requested_ms").alias("until_ms"))
    seen = events.where("user_id is not null and session_id is not null").select("user_id", "session_id").distinct()
    users = requests.select(F.col("user").alias("user_id"), F.col("requested_ms").alias("until_ms"))
    theirs = users.join(seen, "user_id").select(F.col("session_id").alias("id"), "until_ms")
    return asked.select("id", "until_ms").unionByName(theirs).groupBy("id").agg(F.max("until_ms").alias("until_ms"))


def mark(spark: SparkSession, config: Config) -> int:
    """After Redis was lost: marks the users of requests not done, so that `rebuild` does not bring them back."""
    waiting = pending(spark, config)
    if waiting is None:
        return 0
    ids = forgotten(waiting, read_table(spark, config, EVENTS))
    return write(ids, redis_target(config), _forget(config, [], STANDS_SECONDS))


def _versions(spark: SparkSession, config: Config) -> list[str]:
    return [run.version for run in registry.runs(spark, config) if run.status == "published"]


def _forget(config: Config, versions: list[str], seconds: int) -> Put:
    keys = Keys(config.redis.prefix)

    def put(pipeline: Any, row: Row) -> None:
        forget_in_redis(pipeline, keys, row["id"], row["until_ms"], None, seconds)
        for version in versions:
            pipeline.unlink(keys.candidates(version, row["id"]))

    return put


def _settle(config: Config) -> Put:
    keys = Keys(config.redis.prefix)

    def put(pipeline: Any, row: Row) -> None:
        pipeline.expire(keys.forgotten(row["id"]), SETTLED_SECONDS)

    return put


if __name__ == "__main__":
    run_job("forget", run)
