"""How far what ALS learns from has moved since the last run: PSI (`batch.ctr_judge`) of three distributions.

| input | of | what |
|---|---|---|
| users_per_item | items | how many users acted on it |
| items_per_user | users | how many items they acted on |
| strength | pairs of user and item | decayed weights, as of the newest action |

Each is counted in buckets of a doubling, so that two runs compare without each other's rows. The counts are in the
metrics of `als_runs`, the PSI beside them and in Redis (`P:als:drift`), for Prometheus.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import orjson
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.ctr_judge import index
from batch.publish import TTL_SECONDS
from batch.registry import Run
from common.config import Config
from common.keys import Keys
from common.redis_client import redis_target

FURTHEST = 20  # doublings either way of 1

Counts = dict[str, dict[str, int]]


def counts(strengths: DataFrame) -> Counts:
    """Of `user, item, strength` by input: bucket (floor of log2, as text) → how many."""
    per_item = strengths.groupBy("item").agg(F.count("*").alias("x"))
    per_user = strengths.groupBy("user").agg(F.count("*").alias("x"))
    pairs = strengths.select(F.col("strength").alias("x"))
    named = {"users_per_item": per_item, "items_per_user": per_user, "strength": pairs}
    parts = [frame.select(F.lit(name).alias("input"), _bucket().alias("bucket")) for name, frame in named.items()]
    both = parts[0].unionByName(parts[1]).unionByName(parts[2]).groupBy("input", "bucket").count()
    found: Counts = {name: {} for name in named}
    for row in both.orderBy("input", "bucket").collect():
        found[row["input"]][str(row["bucket"])] = row["count"]
    return found


def moved(now: Counts, runs: Sequence[Run]) -> dict[str, float]:
    """PSI of each input between the last run that has counts (`runs`: newest first) and now; empty without one."""
    for run in runs:
        before: Counts | None = json.loads(run.metrics).get("inputs")
        if before:
            return {name: round(psi(before[name], now[name]), 4) for name in now if name in before}
    return {}


def psi(older: Mapping[str, int], newer: Mapping[str, int]) -> float:
    """Of two distributions over buckets."""
    return index(np.array([(older.get(one, 0), newer.get(one, 0)) for one in {*older, *newer}], float))


def publish(config: Config, version: str, at: datetime, found: Mapping[str, float]) -> None:
    """The figures to Redis, if there are any."""
    if not found:
        return
    value = {"version": version, "at_ms": int(at.timestamp() * 1000), "psi": dict(found)}
    with redis_target(config).connect() as client:
        client.set(Keys(config.redis.prefix).drift("als"), orjson.dumps(value), ex=TTL_SECONDS)


def _bucket() -> Column:
    x = F.greatest(F.col("x").cast("double"), F.lit(2.0**-FURTHEST))
    return F.least(F.floor(F.log2(x)), F.lit(FURTHEST)).cast("int")
