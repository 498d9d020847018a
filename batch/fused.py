"""Facts from their Delta tables in the shape that the stream's sink takes (`common.facts.aggregate`)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.facts.aggregate import ITEM, USER
from common.schemas import ACTION, ITEM_MEASURES, USER_MEASURES

MEASURES = tuple(dict.fromkeys((*ITEM_MEASURES, *USER_MEASURES)))


def fused_items(facts: DataFrame) -> DataFrame:
    """`common.schemas.ITEM_FACTS`, fused."""
    actions = F.lit(None).cast(f"array<{ACTION.simpleString()}>")
    return _fused(facts, ITEM, F.col("category"), F.col("item_id"), ITEM_MEASURES, actions)


def fused_users(facts: DataFrame) -> DataFrame:
    """`common.schemas.USER_FACTS`, fused."""
    return _fused(facts, USER, F.lit(""), F.col("user"), USER_MEASURES, F.col("actions"))


def _fused(
    facts: DataFrame, fact: str, category: Column, key: Column, measured: tuple[str, ...], actions: Column
) -> DataFrame:
    nothing = F.lit(0).cast("bigint")
    return facts.select(
        F.lit(fact).alias("fact"),
        category.alias("category"),
        key.alias("key"),
        "window_start",
        *[(F.col(name) if name in measured else nothing).alias(name) for name in MEASURES],
        actions.alias("actions"),
    )
