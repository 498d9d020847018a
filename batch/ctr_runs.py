"""Versions of the click-through model: Delta `ctr_runs`, and what of it stands in Redis.

`ctr_runs`: version, started, finished, events_version, parameters (JSON), metrics (JSON), model (JSON), status; a row a
training. Status: `published`, `refused` (by the gate) or `retired` (no longer in Redis). Redis holds the newest
`ctr.keep_versions`, the live one and a pointer, which moves last.
"""

from dataclasses import dataclass

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch import registry
from batch.pointer import DAMAGED, Pointer
from batch.publish import TTL_SECONDS
from batch.registry import RUN_COLUMNS
from batch.tables import append
from common.config import Config
from common.errors import StylestreamError, UnavailableError
from common.keys import Keys
from common.models.ctr import Scorecard, load
from common.redis_client import redis_target
from common.sources.lake import read_table

RUNS = registry.RUNS["ctr"]
COLUMNS = f"{RUN_COLUMNS}, model string"


@dataclass(frozen=True)
class Run(registry.Run):
    """One training; `parameters`, `metrics` and `model` are JSON."""

    model: str


def record(spark: SparkSession, config: Config, run: Run) -> None:
    """Adds a row for a training."""
    append(spark.createDataFrame([tuple(vars(run).values())], COLUMNS).coalesce(1), config, RUNS)


def live_version(config: Config) -> str:
    """The version that is served; empty without one."""
    with redis_target(config).connect() as client:
        return bytes(client.get(Keys(config.redis.prefix).live_ctr) or b"").decode()  # type: ignore[arg-type]


def live_model(config: Config) -> Scorecard | None:
    """The model that is served; None without one that this code can read and use."""
    version = live_version(config)
    with redis_target(config).connect() as client:
        key = Keys(config.redis.prefix).ctr_model(version)
        text = bytes(client.get(key) or b"") if version else b""  # type: ignore[arg-type]
    try:
        return load(text) if text else None
    except DAMAGED:
        return None


def put(config: Config, version: str, model: str | bytes) -> None:
    """The model to Redis; the pointer is not touched. Writing again changes nothing."""
    with redis_target(config).connect() as client:
        if not client.set(Keys(config.redis.prefix).ctr_model(version), model, ex=TTL_SECONDS):
            raise UnavailableError(f"Redis did not take the click-through model {version}; run it again")


def move_pointer(config: Config, version: str) -> None:
    """From here on `version` is served."""
    with redis_target(config).connect() as client:
        client.set(Keys(config.redis.prefix).live_ctr, version)


def retire(spark: SparkSession, config: Config) -> list[str]:
    """Takes all but the newest `ctr.keep_versions` and the live one out of Redis; says which."""
    live = {live_version(config), registry.live(spark, config, "ctr")}
    kept = _published(spark, config)
    gone = registry.surplus(kept, kept, config.ctr.keep_versions, live)
    if gone:
        keys = Keys(config.redis.prefix)
        with redis_target(config).connect() as client:
            client.unlink(*[keys.ctr_model(version) for version in gone])
        registry.set_status(spark, config, gone, "retired", "ctr")
    return gone


def _published(spark: SparkSession, config: Config) -> list[str]:
    """Newest first."""
    return registry.published(spark, config, "ctr")


def _put_again(spark: SparkSession, config: Config, version: str) -> str:
    """From its row in Delta; one that is trained on other features than this code's would not be served."""
    row = read_table(spark, config, RUNS).where(F.col("version") == version).select("model").first()
    card = load(row["model"]) if row else None
    if row is None or card is None:
        raise StylestreamError(f"the click-through model {version} is of another release's features: train it anew")
    put(config, version, row["model"])
    return f"{len(card.surfaces)} surfaces"


POINTER = Pointer("ctr", live=live_version, there=_published, put=_put_again, point=move_pointer)
