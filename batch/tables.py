"""What batch jobs do with Delta tables beyond reading them: newest version, adding, replacing a part."""

from datetime import timedelta

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.config import Config
from common.sources.lake import EVENTS, exists, read_table, table_path


def newest_version(spark: SparkSession, config: Config, name: str) -> int:
    """The newest version of an existing table. A job asks once, so that all it does is on the same rows."""
    history = DeltaTable.forPath(spark, table_path(config, name)).history(1)
    return int(history.select("version").collect()[0][0])


def read_events(spark: SparkSession, config: Config, version: int | None = None) -> DataFrame:
    """The table `events`, now or as of a version, without what is yet to happen: T and every window are counted back
    from the newest event, and a lake may hold some that were taken before events were timed by their receipt."""
    return until_now(read_table(spark, config, EVENTS, version))


def until_now(rows: DataFrame, time: str = "event_time") -> DataFrame:
    """The rows whose time is not in the future."""
    return rows.where(F.col(time) <= F.current_timestamp())


def append(frame: DataFrame, config: Config, name: str, partition: str = "") -> None:
    """Appends to a table, making it when it is not there."""
    writer = frame.write.format("delta").mode("append")
    (writer.partitionBy(partition) if partition else writer).save(table_path(config, name))


def replace_part(frame: DataFrame, config: Config, name: str, partition: str, predicate: str, note: str = "") -> None:
    """Replaces the rows of `predicate` by `frame`, in one transaction: writing twice changes nothing.

    `predicate` is SQL over the partition column; a row of `frame` outside it is refused by Delta. `note`
    is kept with the commit (`newest_note`).
    """
    writer = frame.write.format("delta").mode("overwrite").option("replaceWhere", predicate)
    if note:
        writer = writer.option("userMetadata", note)
    writer.partitionBy(partition).save(table_path(config, name))


def newest_note(spark: SparkSession, config: Config, name: str) -> str:
    """The note of the newest commit that has one; empty without."""
    if not exists(spark, config, name):
        return ""
    history = DeltaTable.forPath(spark, table_path(config, name)).history()
    noted = history.where("userMetadata is not null").orderBy("version", ascending=False).limit(1).collect()
    return str(noted[0]["userMetadata"]) if noted else ""


def delete_part(spark: SparkSession, config: Config, name: str, predicate: str) -> None:
    """Deletes the rows of `predicate`; their files go with the next vacuum."""
    if exists(spark, config, name):
        DeltaTable.forPath(spark, table_path(config, name)).delete(predicate)


def newest_days(rows: DataFrame, days: int, time: str = "event_time") -> DataFrame:
    """The rows of the `days` before the newest of them, by the column `time`; only the partitions `date` that may have
    some are read. None is in the future."""
    rows = until_now(rows, time)
    newest = rows.agg(F.max(time)).collect()[0][0]
    if newest is None:
        return rows
    since = newest - timedelta(days=days)
    return rows.where((F.col("date") >= F.lit(since.date())) & (F.col(time) > F.lit(since)))
