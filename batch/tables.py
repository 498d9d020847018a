"""Delta tables of the lake, by name: reading at one version, writing one part, asking what is there."""

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from common.config import Config


def table_path(config: Config, name: str) -> str:
    """Where a table of the lake is."""
    return f"{config.lake_path.rstrip('/')}/{name}"


def table_exists(spark: SparkSession, config: Config, name: str) -> bool:
    """Whether the table has been written yet."""
    return bool(DeltaTable.isDeltaTable(spark, table_path(config, name)))


def newest_version(spark: SparkSession, config: Config, name: str) -> int:
    """The newest version of an existing table. A job asks once, so that all it does is on the same rows."""
    history = DeltaTable.forPath(spark, table_path(config, name)).history(1)
    return int(history.select("version").collect()[0][0])


def read_table(spark: SparkSession, config: Config, name: str, version: int | None = None) -> DataFrame:
    """An existing table, at `version` or at its newest."""
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", str(version))
    return reader.load(table_path(config, name))


def append(frame: DataFrame, config: Config, name: str, partition: str = "") -> None:
    """Appends to a table, making it when it is not there."""
    writer = frame.write.format("delta").mode("append")
    (writer.partitionBy(partition) if partition else writer).save(table_path(config, name))


def replace_part(frame: DataFrame, config: Config, name: str, partition: str, predicate: str) -> None:
    """Replaces the rows of `predicate` by `frame`, in one transaction: writing twice changes nothing.

    `predicate` is SQL over the partition column; a row of `frame` outside it is refused by Delta.
    """
    writer = frame.write.format("delta").mode("overwrite").option("replaceWhere", predicate)
    writer.partitionBy(partition).save(table_path(config, name))


def delete_part(spark: SparkSession, config: Config, name: str, predicate: str) -> None:
    """Deletes the rows of `predicate`; their files go with the next vacuum."""
    if table_exists(spark, config, name):
        DeltaTable.forPath(spark, table_path(config, name)).delete(predicate)
