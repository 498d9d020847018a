"""User facts: what a user (or an anonymous session) did with an item in a minute."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.facts.aggregate import USER, aggregate
from common.schemas import USER_MEASURES


def user_facts(events: DataFrame) -> DataFrame:
    """`USER_FACTS` of valid, once-only events."""
    return select_user_facts(aggregate(events, (USER,)))


def select_user_facts(facts: DataFrame) -> DataFrame:
    """`USER_FACTS` out of the fused aggregation."""
    users = facts.filter(F.col("fact") == USER)
    item = F.col("key").alias("item_id")
    return users.select("user", "category", item, "window_start", *USER_MEASURES, "last_ms", "price")
