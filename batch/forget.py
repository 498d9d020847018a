"""Job `forget`: deletes those who asked to be forgotten, up to the moment they asked, from Delta and Redis.

Reads Delta `erasures` (from `DELETE /v1/users/{id}` by the lake). A request covers the user, the sessions named with
it, and every session in which the user was ever seen, but none whose id is also somebody's user id. They are noted with
the request: later runs no longer find them in `events`. Deletes their rows from `TABLES`; the files that held them stay
until they are vacuumed (docs/operations.md). Facts by item follow at the next run of `facts`.

Events may still be on their way into the lake when somebody asks. So a request is carried out in every run until one
begins `SETTLE` after it, with events in the lake that came `SETTLE` after it; only then is it done, and its user kept
as a hash. Redis is cleaned of candidate lists of every version, and of the ids among an item's newest users.
Running again changes nothing.
"""

from datetime import datetime, timedelta, timezone
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from batch import registry
from batch.entry import run_job
from batch.outcome import Outcome
from batch.publish import Put, Row, write
from batch.tables import append, in_utc, newest_version, read_events
from common.config import Config
from common.events import MAX_AHEAD_MS
from common.keys import Keys
from common.redis_client import redis_target
from common.sinks.forget import SETTLED_SECONDS, STANDS_SECONDS, forget_in_redis
from common.sinks.fresh import forget_fresh
from common.sources.lake import (
    ERASED_PLACES,
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
# A session's event is one without a user.
TABLES = {
    USER_FACTS: f"t.user = x.id and t.window_start <= {AHEAD}",
    QUERY_FACTS: f"t.user = x.id and t.window_start <= {AHEAD}",
    EXPOSURE_CANDIDATES: f"t.user_id = x.id and t.time <= {MOMENT}",
    "als_candidates": "t.user = x.id",
    "als_user_factors": "t.user = x.id",
    EVENTS: "coalesce(t.user_id, t.session_id) = x.id and (x.asked or t.user_id is null)"
    f" and least(t.event_time, t.ingest_time) <= {MOMENT}",
}
# Of a topic made anew another event may have the same place.
SAME_PLACE = "t.topic = x.topic and t.partition = x.partition and t.offset = x.offset and t.event_id = x.event_id"


def run(spark: SparkSession, config: Config) -> Outcome:
    """Carries out every request that is not done."""
    started = datetime.now(timezone.utc)
    waiting = pending(spark, config)
    if waiting is None:
        return Outcome("done", "nobody has asked to be forgotten")
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "nobody forgotten yet: 0 events in the lake")
    events = read_events(spark, config, newest_version(spark, config, EVENTS))
    times = F.unix_millis(F.max("ingest_time")), F.unix_micros(F.max("event_time"))
    arrived_ms, newest = events.agg(*times).collect()[0]
    settled_ms = min(int(started.timestamp() * 1000), arrived_ms or 0) - SETTLE // timedelta(milliseconds=1)
    # Not persisted: Spark drops what it keeps of a table as soon as rows are deleted from it.
    requests = with_sessions(waiting, events).localCheckpoint()
    _note(spark, config, requests, {"sessions": "x.sessions"})
    ids = forgotten(requests).localCheckpoint()
    number = ids.count()
    write(ids, redis_target(config), _forget(config, _versions(spark, config), STANDS_SECONDS))
    if number and newest:
        since = in_utc(newest) - 2 * timedelta(hours=config.sessions.fresh_hours)
        write(acted_on(events.where(F.col("date") >= F.lit(since.date())), ids), redis_target(config), _unnamed(config))
    for table, condition in TABLES.items():
        if number and exists(spark, config, table):
            target = DeltaTable.forPath(spark, table_path(config, table)).alias("t")
            rows, same = (_places(spark, config, ids), SAME_PLACE) if table == EVENTS else (ids, condition)
            target.merge(rows.alias("x"), same).whenMatchedDelete().execute()
    write(ids.where(F.col("until_ms") < settled_ms), redis_target(config), _settle(config))
    done: dict[str, str | Column] = {"user": "sha2(t.user, 256)", "sessions": "null", "done_at": F.lit(started)}
    _note(spark, config, requests.where(F.col("requested_ms") < settled_ms), done)
    return Outcome("done", f"{number} users and sessions forgotten up to the moment they asked")


def pending(spark: SparkSession, config: Config) -> DataFrame | None:
    """The requests not done at this moment; None where nobody has ever asked."""
    if not exists(spark, config, ERASURES):
        return None
    noted = read_table(spark, config, ERASURES, newest_version(spark, config, ERASURES))
    return noted.where("done_at is null").select("user", "sessions", "requested_ms")


def with_sessions(requests: DataFrame, events: DataFrame) -> DataFrame:
    """`user, requested_ms, sessions`, a request once: the sessions named and those the user was seen in.

    Users and sessions are named by whoever sends events. A session whose id is also a user's would let one person
    delete another: it is left out.
    """
    request = ["user", "requested_ms"]
    named = requests.select(*request, F.explode("sessions").alias("session"))
    both = events.where("user_id is not null and session_id is not null")
    seen = both.selectExpr("user_id as user", "session_id as session").distinct()
    sessions = named.unionByName(requests.select(*request).join(seen, "user"))
    users = events.where("user_id is not null").selectExpr("user_id as session")
    found = (
        sessions.join(users, "session", "left_anti").groupBy(*request).agg(F.collect_set("session").alias("sessions"))
    )
    return requests.select(*request).distinct().join(found, request, "left")


def forgotten(requests: DataFrame) -> DataFrame:
    """`id, until_ms, asked`: users and sessions, up to when nothing of theirs may stay, and who asked themselves."""
    ids = F.concat(F.array("user"), F.coalesce("sessions", F.array().cast("array<string>")))
    each = requests.select(F.posexplode(ids).alias("place", "id"), "requested_ms")
    return each.groupBy("id").agg(F.max("requested_ms").alias("until_ms"), (F.min("place") == 0).alias("asked"))


def acted_on(events: DataFrame, ids: DataFrame) -> DataFrame:
    """`id, item, until_ms`: what the forgotten did to which items."""
    who = F.coalesce("t.user_id", "t.session_id") == F.col("x.id")
    found = events.alias("t").join(F.broadcast(ids).alias("x"), who & F.expr("x.asked or t.user_id is null"))
    return found.where("t.item_id is not null").select("id", F.col("t.item_id").alias("item"), "until_ms").distinct()


def _places(spark: SparkSession, config: Config, ids: DataFrame) -> DataFrame:
    """Where in Kafka the events of the forgotten stood, noted before they go: `stylestream audit` misses none."""
    events = read_table(spark, config, EVENTS).alias("t")
    found = events.join(F.broadcast(ids).alias("x"), F.expr(TABLES[EVENTS]))
    rows = found.select("t.topic", "t.partition", "t.offset", "t.event_id").distinct().localCheckpoint()
    append(rows.select("topic", "partition", "offset").distinct(), config, ERASED_PLACES)
    return rows


def _note(spark: SparkSession, config: Config, requests: DataFrame, values: dict[str, str | Column]) -> None:
    """Sets columns of these requests (x) in `erasures` (t), and of no other that came meanwhile."""
    table = DeltaTable.forPath(spark, table_path(config, ERASURES)).alias("t")
    same = "t.user = x.user and t.requested_ms = x.requested_ms and t.done_at is null"
    table.merge(requests.alias("x"), same).whenMatchedUpdate(set=values).execute()


def mark(spark: SparkSession, config: Config) -> int:
    """After Redis was lost: marks the users of requests not done, so that `rebuild` does not bring them back."""
    waiting = pending(spark, config)
    if waiting is None:
        return 0
    ids = forgotten(with_sessions(waiting, read_table(spark, config, EVENTS)))
    return write(ids, redis_target(config), _forget(config, [], STANDS_SECONDS))


def _versions(spark: SparkSession, config: Config) -> list[str]:
    """All that may have candidate lists in Redis."""
    kept = {*registry.published(spark, config)}
    with redis_target(config).connect() as client:
        listed: set[bytes] = client.smembers(Keys(config.redis.prefix).listed_models)  # type: ignore[assignment]
    return sorted(kept | {version.decode() for version in listed})


def _forget(config: Config, versions: list[str], seconds: int) -> Put:
    keys = Keys(config.redis.prefix)

    def put(pipeline: Any, row: Row) -> None:
        forget_in_redis(pipeline, keys, row["id"], row["until_ms"], (), seconds)
        for version in versions:
            pipeline.unlink(keys.candidates(version, row["id"]))

    return put


def _unnamed(config: Config) -> Put:
    keys = Keys(config.redis.prefix)

    def put(pipeline: Any, row: Row) -> None:
        forget_fresh(pipeline, keys, row["item"], row["id"], row["until_ms"])

    return put


def _settle(config: Config) -> Put:
    keys = Keys(config.redis.prefix)

    def put(pipeline: Any, row: Row) -> None:
        pipeline.expire(keys.forgotten(row["id"]), SETTLED_SECONDS)

    return put


if __name__ == "__main__":
    run_job("forget", run)
