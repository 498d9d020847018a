"""Versions of the click-through model: Delta `ctr_runs`, and what of it stands in Redis.

`ctr_runs`: version, started, finished, events_version, parameters (JSON), metrics (JSON), model (JSON), status; a row a
training. Status: `published`, `refused` (by the gate) or `retired` (no longer in Redis). Redis holds the newest
`ctr.keep_versions` and a pointer, which moves last.
"""

from dataclasses import dataclass

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch import registry
from batch.publish import TTL_SECONDS
from batch.registry import RUN_COLUMNS
from batch.tables import append
from common.config import Config
from common.errors import UnavailableError
from common.keys import Keys
from common.models.ctr import Scorecard, load
from common.redis_client import redis_target
from common.sources.lake import exists, read_table, table_path

RUNS = "ctr_runs"
COLUMNS = f"{RUN_COLUMNS}, model string"


@dataclass(frozen=True)
class Run(registry.Run):
    """One training; `parameters`, `metrics` and `model` are JSON."""

    model: str


def record(spark: SparkSession, config: Config, run: Run) -> None:
    """Adds a row for a training."""
    append(spark.createDataFrame([tuple(vars(run).values())], COLUMNS).coalesce(1), config, RUNS)


def live_model(config: Config) -> Scorecard | None:
    """The model that is served; None without one that this code can use."""
    keys = Keys(config.redis.prefix)
    with redis_target(config).connect() as client:
        version = bytes(client.get(keys.live_ctr) or b"").decode()  # type: ignore[arg-type]
        text = bytes(client.get(keys.ctr_model(version)) or b"") if version else b""  # type: ignore[arg-type]
    return load(text) if text else None


def publish(config: Config, version: str, model: str | bytes) -> None:
    """The model to Redis, then the pointer to it. Writing again changes nothing."""
    keys = Keys(config.redis.prefix)
    with redis_target(config).connect() as client:
        if not client.set(keys.ctr_model(version), model, ex=TTL_SECONDS):
            raise UnavailableError(f"Redis did not take the click-through model {version}; run it again")
        client.set(keys.live_ctr, version)


def retire(spark: SparkSession, config: Config) -> list[str]:
    """Takes all but the newest `ctr.keep_versions` published ones out of Redis; says which."""
    found = read_table(spark, config, RUNS).where("status = 'published'").select("version")
    versions = [row["version"] for row in found.orderBy(F.col("version").desc()).limit(200).collect()]
    gone = versions[config.ctr.keep_versions :]
    if gone:
        keys = Keys(config.redis.prefix)
        with redis_target(config).connect() as client:
            for version in gone:
                client.unlink(keys.ctr_model(version))
        table = DeltaTable.forPath(spark, table_path(config, RUNS))
        table.update(F.col("version").isin(gone), {"status": F.lit("retired")})
    return gone


def restore(spark: SparkSession, config: Config) -> str:
    """The newest published model back to Redis, for `rebuild`; its version, or 'none'."""
    if not exists(spark, config, RUNS):
        return "none"
    published = read_table(spark, config, RUNS).where("status = 'published'")
    rows = published.orderBy(F.col("version").desc()).limit(1).select("version", "model").collect()
    for row in rows:
        publish(config, row["version"], row["model"])
    return rows[0]["version"] if rows else "none"
