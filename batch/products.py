"""The catalogue as its newest change records left it, for the batch layer."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from common.config import Config
from common.sources.catalog_order import placed
from common.sources.lake import CATALOG, exists, read_table


def newest_products(spark: SparkSession, config: Config) -> DataFrame | None:
    """`item, style, brand` of every item, also withdrawn ones; None before the first change record."""
    if not exists(spark, config, CATALOG):
        return None
    changes = placed(read_table(spark, config, CATALOG).where("op <> 'd'"))
    return changes.groupBy(F.col("item_id").alias("item")).agg(_newest("style"), _newest("brand"))


def _newest(name: str) -> Column:
    """The value of the newest change that has one or says that there is none."""
    said = ~F.array_contains("unavailable", name)
    return F.max_by(name, F.when(said, F.col("place"))).alias(name)
