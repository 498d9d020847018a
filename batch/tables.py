"""What batch jobs do with Delta tables beyond reading them: newest version, adding, replacing a part."""

import re
from datetime import datetime, timedelta, timezone

from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.config import Config
from common.sources.category import with_normal_categories
from common.sources.lake import EVENTS, ITEM_EXCESS, ITEM_FACTS, exists, read_table, table_path

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
LATELY = 10  # commits
FILE = "struct<partitionValues: map<string, string>, dataChange: boolean>"
CHANGES = f"add {FILE}, remove {FILE}"  # of a commit in Delta's log


def newest_version(spark: SparkSession, config: Config, name: str) -> int:
    """The newest version of an existing table. A job asks once, so that all it does is on the same rows."""
    history = DeltaTable.forPath(spark, table_path(config, name)).history(1)
    return int(history.select("version").collect()[0][0])


def read_events(spark: SparkSession, config: Config, version: int | None = None) -> DataFrame:
    """The table `events`, now or as of a version, without what is yet to happen: T and every window are counted back
    from the newest event, and a lake may hold some that were taken before events were timed by their receipt.
    Categories are called as today, also those from before their slashes were looked at."""
    return until_now(with_normal_categories(read_table(spark, config, EVENTS, version)))


def capped_facts(spark: SparkSession, config: Config) -> DataFrame:
    """`item_facts` as rankings count them, with their `date`: what one person did too often is taken off."""
    facts = read_table(spark, config, ITEM_FACTS)
    if not exists(spark, config, ITEM_EXCESS):  # a lake from before there were caps
        return facts
    return facts.unionByName(read_table(spark, config, ITEM_EXCESS))


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
    table = DeltaTable.forPath(spark, table_path(config, name))
    for history in (table.history(LATELY), table.history()):  # most of the time it is the last commit
        noted = history.where("userMetadata is not null").orderBy("version", ascending=False).limit(1).collect()
        if noted:
            return str(noted[0]["userMetadata"])
    return ""


def dates_changed(spark: SparkSession, config: Config, name: str, since: int, until: int) -> set[str] | None:
    """The dates (the partition) of which the versions after `since`, up to `until`, have added or taken away rows: as
    Delta's own log says, in which files only packed anew (OPTIMIZE) are no change. None where the log does not reach
    back so far or names no dates, and where `since` is yet to come: the table is another than it was.
    """
    if until <= since:
        return set() if until == since else None
    log = _log(spark, config, name, since, until)
    if log is None:
        return None
    file = F.coalesce("add", "remove")
    rows = log.where(file["dataChange"]).select(file["partitionValues"]["date"].alias("date")).distinct().collect()
    return None if any(row["date"] is None for row in rows) else {str(row["date"]) for row in rows}


def rows_removed(spark: SparkSession, config: Config, name: str, since: int, until: int) -> bool:
    """Whether the versions after `since`, up to `until`, have taken away rows; False where the log does not tell."""
    log = _log(spark, config, name, since, until) if until > since else None
    return log is not None and not log.where("remove.dataChange").isEmpty()


def _log(spark: SparkSession, config: Config, name: str, since: int, until: int) -> DataFrame | None:
    """`CHANGES` of the versions after `since`, up to `until`; None where one of them is not there any more."""
    folder = re.sub(r"([\\\[\]{}*?])", r"\\\1", f"{table_path(config, name)}/_delta_log")  # Spark reads patterns
    commits = [f"{folder}/{version:020d}.json" for version in range(since + 1, until + 1)]
    try:
        return spark.read.schema(CHANGES).json(commits)
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return None


def delete_part(spark: SparkSession, config: Config, name: str, predicate: str) -> None:
    """Deletes the rows of `predicate`; their files go with the next vacuum."""
    if exists(spark, config, name):
        DeltaTable.forPath(spark, table_path(config, name)).delete(predicate)


def newest_days(rows: DataFrame, days: int, time: str = "event_time") -> DataFrame:
    """The rows of the `days` before the newest of them, by the column `time`; only the partitions `date` that may have
    some are read. None is in the future."""
    rows = until_now(rows, time)
    newest = newest_time(rows, time)
    if newest is None:
        return rows
    since = newest - timedelta(days=days)
    return rows.where((F.col("date") >= F.lit(since.date())) & (F.col(time) > F.lit(since)))


def newest_time(rows: DataFrame, time: str = "event_time") -> datetime | None:
    """The newest time of the rows; None without one."""
    micros = rows.agg(F.unix_micros(F.max(time))).collect()[0][0]
    return None if micros is None else in_utc(micros)


def in_utc(micros: int) -> datetime:
    """A time by its microseconds since the epoch, with its zone. What Spark gives for a timestamp has none: it is in
    the driver's local time, whose date is not that of a partition."""
    return EPOCH + timedelta(microseconds=micros)
