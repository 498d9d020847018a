"""The micro-batch that is under way, from inside `foreachBatch`: Spark's own objects."""

from typing import Any

import orjson
from pyspark.sql import SparkSession


def execution_of(spark: SparkSession) -> Any:
    """The execution of the query whose `foreachBatch` this is."""
    query = spark.sparkContext.getLocalProperty("sql.streaming.queryId")
    if query is None:
        raise RuntimeError("this is for foreachBatch: there is no streaming query here")
    return spark._jsparkSession.streams().get(query).streamingQuery()  # type: ignore[attr-defined]


def offsets_of(progress: Any) -> dict[str, int]:
    """`topic/partition` → offset of what is read next."""
    values = progress.values().toSeq()
    return by_partition(orjson.loads(values.apply(0).json()) if values.size() else {})


def by_partition(offsets: dict[str, dict[str, int]]) -> dict[str, int]:
    """Spark's offsets of topics and their partitions by `topic/partition`."""
    return {f"{topic}/{partition}": offset for topic, parts in offsets.items() for partition, offset in parts.items()}
