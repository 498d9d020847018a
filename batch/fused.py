"""Facts from their Delta tables in the shape that the stream's sink takes (`common.facts.aggregate`)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.facts.aggregate import ITEM, USER
from common.schemas import ITEM_MEASURES, USER_MEASURES

MEASURES = tuple(dict.fromkeys((*ITEM_MEASURES, *USER_MEASURES)))


def fused_items(facts: DataFrame) -> DataFrame:
    """`common.schemas.ITEM_FACTS`, fused."""
    none = F.lit(None)
    return _fused(facts, ITEM, F.lit(""), ITEM_MEASURES, none.cast("bigint"), none.cast("double"))


def fused_users(facts: DataFrame) -> DataFrame:
    """`common.schemas.USER_FACTS`, fused."""
    return _fused(facts, USER, F.col("user"), USER_MEASURES, F.col("last_ms"), F.col("price"))


def _fused(
    facts: DataFrame, fact: str, user: Column, measured: tuple[str, ...], last_ms: Column, price: Column
) -> DataFrame:
    nothing = F.lit(0).cast("bigint")
    return facts.select(
        F.lit(fact).alias("fact"),
        "category",
        F.col("item_id").alias("key"),
        user.alias("user"),
        "window_start",
        *[(F.col(name) if name in measured else nothing).alias(name) for name in MEASURES],
        last_ms.alias("last_ms"),
        price.alias("price"),
    )
