"""The Delta tables of the lake: names and how to read them.

Spark is imported only when a table is read by it: the serving process reads without (`common.sources.lake_sql`).
"""

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from common.config import Config

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

EVENTS = "events"
QUARANTINE = "quarantine"
CATALOG = "catalog"
ITEM_FACTS = "item_facts"
ITEM_EXCESS = "item_excess"
USER_FACTS = "user_facts"
QUERY_FACTS = "query_facts"
CORRECTIONS = "corrections"
EXPOSURE_CANDIDATES = "exposure_candidates"
ERASURES = "erasures"
ERASED_PLACES = "erased_places"


def table_path(config: Config, name: str) -> str:
    """Where a table of ours is."""
    if "://" in config.lake_path:
        return f"{config.lake_path.rstrip('/')}/{name}"
    return str(PurePosixPath(config.lake_path) / name)


def exists(spark: "SparkSession", config: Config, name: str) -> bool:
    """Whether the table has been written yet."""
    from delta.tables import DeltaTable

    return bool(DeltaTable.isDeltaTable(spark, table_path(config, name)))


def read_table(spark: "SparkSession", config: Config, name: str, version: int | None = None) -> "DataFrame":
    """A table as it is now, or as of one of its versions."""
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    return reader.load(table_path(config, name))
