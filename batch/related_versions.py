"""Versions of the related items in Delta and Redis: write, publish, move the pointer, retire the oldest.

A version's lists stand under its own keys; serving follows `P:rel:live`, which moves only when every list is
acknowledged.
"""

from typing import Any

import orjson
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch import registry
from batch.pointer import Pointer, kept
from batch.publish import TTL_SECONDS, Put, Row, write
from batch.tables import delete_part, replace_part
from common.config import Config
from common.errors import UnavailableError
from common.keys import Keys
from common.redis_client import redis_target
from common.sources.lake import exists, read_table

TABLE = "related_items"


def save(rows: DataFrame, config: Config, version: str) -> None:
    """Writes `kind, item, items` as a version; again replaces it."""
    versioned = rows.select(F.lit(version).alias("version"), "*")
    replace_part(versioned, config, TABLE, "version", f"version = '{version}'")


def publish(spark: SparkSession, config: Config, version: str) -> int:
    """A version's lists from Delta to Redis; how many. The pointer is not touched."""
    rows = rows_of(spark, config, version)
    expected = rows.count()
    if not expected:
        raise UnavailableError(f"related items {version} have no list in the lake: see 'stylestream model list'")
    written = write(rows, redis_target(config), put_lists(Keys(config.redis.prefix), version))
    if written != expected:
        raise UnavailableError(f"Redis took {written} of {expected} lists of related items {version}; run it again")
    return written


def put_lists(keys: Keys, version: str) -> Put:
    """Rows `kind, item, items` → the item's list."""

    def put(pipeline: Any, row: Row) -> None:
        value = [[one["item"], round(one["together"], 3), round(one["als"], 4)] for one in row["items"]]
        pipeline.set(keys.related(version, row["kind"], row["item"]), orjson.dumps(value), ex=TTL_SECONDS)

    return put


def move_pointer(config: Config, version: str) -> None:
    """From here on `version` is served."""
    with redis_target(config).connect() as client:
        client.set(Keys(config.redis.prefix).live_related, version)


def live_version(config: Config) -> str:
    """The version that is served; empty without one."""
    with redis_target(config).connect() as client:
        return bytes(client.get(Keys(config.redis.prefix).live_related) or b"").decode()  # type: ignore[arg-type]


def count(spark: SparkSession, config: Config, version: str) -> int:
    """How many lists a version has in Delta."""
    return rows_of(spark, config, version).count() if version and exists(spark, config, TABLE) else 0


def remove(spark: SparkSession, config: Config, version: str) -> None:
    """Takes a version out of Delta that is not in Redis."""
    delete_part(spark, config, TABLE, f"version = '{version}'")


def newest(spark: SparkSession, config: Config) -> list[str]:
    """The versions in Delta, newest first."""
    if not exists(spark, config, TABLE):
        return []
    rows = read_table(spark, config, TABLE).select("version").distinct().orderBy(F.desc("version"))
    return [row["version"] for row in rows.collect()]


def retire(spark: SparkSession, config: Config) -> list[str]:
    """Removes all but the newest `related.keep_versions` and the live one from Redis and Delta; says which."""
    keys, live = Keys(config.redis.prefix), {live_version(config), registry.live(spark, config, "related")}
    there, may_serve = newest(spark, config), kept(spark, config, POINTER)
    gone = registry.surplus(there, may_serve, config.related.keep_versions, live)
    for version in gone:
        write(rows_of(spark, config, version), redis_target(config), _unlink(keys, version))
        remove(spark, config, version)
    registry.set_status(spark, config, gone, "retired", "related")
    return gone


def _unlink(keys: Keys, version: str) -> Put:
    def put(pipeline: Any, row: Row) -> None:
        pipeline.unlink(keys.related(version, row["kind"], row["item"]))

    return put


def rows_of(spark: SparkSession, config: Config, version: str) -> DataFrame:
    """`kind, item, items` of a version."""
    return read_table(spark, config, TABLE).where(F.col("version") == F.lit(version)).select("kind", "item", "items")


POINTER = Pointer(
    "related",
    live=live_version,
    there=newest,
    put=lambda spark, config, version: f"{publish(spark, config, version)} lists",
    point=move_pointer,
)
