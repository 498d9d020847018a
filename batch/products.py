"""The catalogue as its newest change records left it, for the batch layer."""

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from common.config import Config
from common.sources.lake import CATALOG, exists, read_table


def newest_products(spark: SparkSession, config: Config) -> DataFrame | None:
    """`item, style, brand` of every item, also withdrawn ones; None before the first change record."""
    if not exists(spark, config, CATALOG):
        return None
    newest = Window.partitionBy("item_id").orderBy(F.desc("lsn"), F.desc("ts_ms"))
    last = read_table(spark, config, CATALOG).where("op <> 'd'").withColumn("_n", F.row_number().over(newest))
    return last.where("_n = 1").select(F.col("item_id").alias("item"), "style", "brand")
