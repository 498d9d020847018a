"""Item facts: what happened to an item in a minute."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.facts.aggregate import ITEM, aggregate
from common.schemas import ITEM_MEASURES


def item_facts(events: DataFrame) -> DataFrame:
    """`ITEM_FACTS` of valid, once-only events (columns of `common.sources.parse`)."""
    return select_item_facts(aggregate(events, (ITEM,)))


def select_item_facts(facts: DataFrame) -> DataFrame:
    """`ITEM_FACTS` out of the fused aggregation."""
    items = facts.filter(F.col("fact") == ITEM)
    return items.select("category", F.col("key").alias("item_id"), "window_start", *ITEM_MEASURES)
