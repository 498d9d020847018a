"""User facts: what a user (or an anonymous session) did in a minute."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.facts.aggregate import USER, aggregate
from common.schemas import USER_MEASURES


def user_facts(events: DataFrame, actions_kept: int) -> DataFrame:
    """`USER_FACTS` of valid, once-only events; at most `actions_kept` actions a minute, the newest."""
    return select_user_facts(aggregate(events, actions_kept, (USER,)))


def select_user_facts(facts: DataFrame) -> DataFrame:
    """`USER_FACTS` out of the fused aggregation."""
    users = facts.filter(F.col("fact") == USER)
    actions = F.coalesce("actions", F.array()).alias("actions")
    return users.select(F.col("key").alias("user"), "window_start", *USER_MEASURES, actions)
