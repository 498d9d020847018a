"""From DataFrames to Redis, written by the executors: pipelined, every key with a TTL, counted.

A version is written whole under its own keys before anything points to it: `write` returns how many rows
Redis has acknowledged, the caller compares and only then moves the pointer. Writing again changes nothing.
A Redis that cannot be reached fails the Spark task, which is retried, then the job.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.patterns import ACTIONS
from common.keys import Keys
from common.redis_client import RedisTarget

TTL_SECONDS = 60 * 24 * 3600
ROWS_A_PIPELINE = 500
# A set of these members instead of the one that stands, in one step: it may have had others.
INSTEAD = """redis.call('DEL', KEYS[1])
if #ARGV == 1 then return 0 end
redis.call('SADD', KEYS[1], unpack(ARGV, 2))
return redis.call('EXPIRE', KEYS[1], ARGV[1])"""

Row = dict[str, Any]
Put = Callable[[Any, Row], None]  # puts one row's commands into a pipeline


def write(rows: DataFrame, target: RedisTarget, put: Put) -> int:
    """Runs `put` for every row, on the executors; returns the number of rows acknowledged."""

    def sent(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        client = target.connect()
        try:
            for batch in batches:
                for start in range(0, batch.num_rows, ROWS_A_PIPELINE):
                    part = batch.slice(start, ROWS_A_PIPELINE)
                    pipeline = client.pipeline(transaction=False)
                    for row in part.to_pylist():
                        put(pipeline, row)
                    pipeline.execute()
                    yield pa.record_batch({"n": pa.array([part.num_rows], pa.int64())})
        finally:
            client.close()

    total = rows.mapInArrow(sent, "n bigint").agg(F.sum("n")).collect()[0][0]
    return int(total or 0)


def put_candidates(keys: Keys, version: str) -> Put:
    """Rows `user, items` (array of item, score) → the user's candidate list. The version is noted before the first list
    of every task, so that whoever is to be forgotten is found in all versions."""
    noted = False

    def put(pipeline: Any, row: Row) -> None:
        nonlocal noted
        if not noted:
            pipeline.sadd(keys.listed_models, version)
            pipeline.expire(keys.listed_models, TTL_SECONDS)
            noted = True
        value = [[item["item"], round(item["score"], 6)] for item in row["items"]]
        pipeline.set(keys.candidates(version, row["user"]), orjson.dumps(value), ex=TTL_SECONDS)

    return put


def unlink_candidates(keys: Keys, version: str) -> Put:
    """Rows `user` → the candidate list of that version is gone."""
    return lambda pipeline, row: pipeline.unlink(keys.candidates(version, row["user"]))


def put_profile(keys: Keys) -> Put:
    """Rows of `batch.profiles.long_profiles` → the bought set, the long-term profile, and apart from it, for only
    the profile's own page reads it, the pattern."""

    def put(pipeline: Any, row: Row) -> None:
        user = row["user"]
        pipeline.eval(INSTEAD, 1, keys.bought(user), TTL_SECONDS, *row["bought"])
        weights = {
            name: {part["name"]: round(part["weight"], 6) for part in row[name]}
            for name in ("categories", "styles", "brands")
        }
        bands = {part["name"]: part["prices"] for part in row["bands"]}
        profile = {**weights, "prices": row["prices"], "bands": bands, "as_of_ms": row["as_of_ms"]}
        pipeline.set(keys.long_term(user), orjson.dumps(profile), ex=TTL_SECONDS)
        pipeline.set(keys.long_pattern(user), orjson.dumps(_pattern(row)), ex=TTL_SECONDS)

    return put


def _pattern(row: Row) -> Row:
    """What `common.views.pattern.read_past` reads."""
    found = dict(row["pattern"])
    hours = {str(hour): number for hour, number in enumerate(found["hours"]) if number}
    counts = {kind: number for kind, number in zip(ACTIONS, found["counts"], strict=True) if number}
    last: dict[str, list[list[Any]]] = {}
    for one in row["last"]:
        last.setdefault(one["list"], []).append([one["item"], one["ms"]])
    return {**found, "hours": hours, "counts": counts, "last": last, "until_ms": row["until_ms"]}
