"""How strongly each user is interested in each item, from the events of the lake, and dense ids for both.

In: events (lake schema). Out: `user, item, strength` with
strength = Σ weight(action) · 2^(−age / half-life), age counted from the newest event rather than from
now, so that the same table version gives the same model.

A user is `user_id`, else `session_id`; an anonymous session with a single item says nothing about
which items go together and is left out. An event counts once however often it was sent. Quantities
do not multiply (a wholesaler's 1,000 pieces are one decision), and a refund reduces nothing: whoever
sends a dress back was interested in dresses.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.config import Action
from common.facts.once import once_in_batch

SECONDS_A_DAY = 86_400.0
MAX_IDS = 2**31 - 1  # Spark's ALS takes 32-bit ids


def user_key() -> Column:
    """Whose action it was: the user, else the session."""
    return F.coalesce("user_id", "session_id")


def weight_of(weights: Mapping[Action, float]) -> Column:
    """The weight of the row's `event_type`, null where it has none or zero."""
    pairs = [F.lit(part) for name, weight in weights.items() if weight > 0 for part in (name, float(weight))]
    return F.element_at(F.create_map(*pairs), F.col("event_type")) if pairs else F.lit(None).cast("double")


def half_life(age_days: Column, half_life_days: float) -> Column:
    """2^(−age / half-life)."""
    return F.pow(F.lit(2.0), -age_days / F.lit(half_life_days))


def age_days(as_of_ms: int) -> Column:
    """Days from the event to `as_of_ms`."""
    return (F.lit(as_of_ms / 1000) - F.col("event_time").cast("double")) / F.lit(SECONDS_A_DAY)


def actions(events: DataFrame, weights: Mapping[Action, float]) -> DataFrame:
    """The actions that count: `user, item, event_type, event_time, known, weight`, one row an event_id."""
    kept = events.where(F.col("event_type").isin(*weights) & F.col("item_id").isNotNull())
    rows = once_in_batch(kept).withColumn("weight", weight_of(weights)).where("weight is not null")
    known = F.col("user_id").isNotNull().alias("known")
    columns = (
        user_key().alias("user"),
        F.col("item_id").alias("item"),
        "event_type",
        "event_time",
        known,
        "weight",
    )
    return rows.select(*columns).where("user is not null")


def interactions(rows: DataFrame, half_life_days: float, as_of_ms: int) -> DataFrame:
    """`actions` summed to `user, item, strength`."""
    part = F.col("weight") * half_life(age_days(as_of_ms), half_life_days)
    pairs = rows.groupBy("user", "item").agg(F.sum(part).alias("strength"), F.max("known").alias("known"))
    items = F.count("*").over(Window.partitionBy("user"))
    kept = pairs.withColumn("items", items).where("known or items > 1")
    return kept.where("strength > 0").select("user", "item", F.col("strength").cast("double"))


def dense_ids(rows: DataFrame, column: str) -> DataFrame:
    """`id` (the text) and `index` (0 … n−1 in the order of the texts), worked out where the rows are.

    The distinct texts are range-partitioned and sorted; `zipWithIndex` counts the partitions, then
    numbers within each. The same texts always get the same numbers.
    """
    distinct = rows.select(F.col(column).alias("id")).distinct().orderBy("id")
    return distinct.zipWithIndex("index").select("id", F.col("index").cast("int"))


def indexed(rows: DataFrame, users: DataFrame, items: DataFrame) -> DataFrame:
    """`user, item, strength` with `user_index` and `item_index` beside."""
    by_user = users.select(F.col("id").alias("user"), F.col("index").alias("user_index"))
    by_item = items.select(F.col("id").alias("item"), F.col("index").alias("item_index"))
    return (
        rows.join(by_user, "user").join(by_item, "item").select("user_index", "item_index", "user", "item", "strength")
    )
