"""What each user has liked in the long term, from the events of the lake.

In: events (lake schema). Out, a row a user (user_id, else session_id):
`user, bought array<string>, categories array<struct<category, weight>>, prices array<double>, as_of_ms`.

- categories: Σ weight(action) · 2^(−age / half-life), the strongest `MAX_CATEGORIES` first. A weight w
  as of `as_of_ms` is w · 2^(−(t − as_of_ms) / half-life) at a later t.
- prices: [low, typical, high], the 10 %, 50 % and 90 % quantiles of the prices acted upon; empty without one.
- bought: the newest `MAX_BOUGHT` items bought; a refund does not take an item off it.
"""

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from batch.interactions import age_days, half_life, user_key, weight_of
from common.config import Action
from common.facts.once import once_in_batch

QUANTILES = (0.1, 0.5, 0.9)
MAX_CATEGORIES = 50
MAX_BOUGHT = 1000


def long_profiles(
    events: DataFrame, weights: Mapping[Action, float], half_life_days: float, as_of_ms: int
) -> DataFrame:
    """The long-term profile of everyone with an action of some weight, or a purchase."""
    kinds = F.col("event_type").isin(*weights, "purchase")
    part = F.coalesce(weight_of(weights), F.lit(0.0)) * half_life(age_days(as_of_ms), half_life_days)
    rows = (
        once_in_batch(events.where(kinds & F.col("item_id").isNotNull()))
        .withColumns({"user": user_key(), "part": part})
        .where("user is not null")
    )
    prices = F.percentile("price", list(QUANTILES)).alias("prices")
    users = rows.groupBy("user").agg(F.when(F.count("price") > 0, prices).alias("prices"))
    joined = users.join(_bought(rows), "user", "left").join(_categories(rows), "user", "left")
    return joined.select(
        "user",
        F.coalesce("bought", F.array().cast("array<string>")).alias("bought"),
        F.coalesce("categories", F.array().cast("array<struct<category:string,weight:double>>")).alias("categories"),
        F.coalesce("prices", F.array().cast("array<double>")).alias("prices"),
        F.lit(as_of_ms).cast("bigint").alias("as_of_ms"),
    )


def bought_items(events: DataFrame) -> DataFrame:
    """`user, item, last`: who has bought what, and when last."""
    rows = events.where((F.col("event_type") == "purchase") & F.col("item_id").isNotNull())
    return (
        rows.select(user_key().alias("user"), F.col("item_id").alias("item"), "event_time")
        .where("user is not null")
        .groupBy("user", "item")
        .agg(F.max("event_time").alias("last"))
    )


def _bought(rows: DataFrame) -> DataFrame:
    last = rows.where("event_type = 'purchase'").groupBy("user", "item_id").agg(F.max("event_time").alias("last"))
    order = Window.partitionBy("user").orderBy(F.col("last").desc(), "item_id")
    newest = last.withColumn("n", F.row_number().over(order)).where(F.col("n") <= MAX_BOUGHT)
    return newest.groupBy("user").agg(F.collect_list("item_id").alias("bought"))


def _categories(rows: DataFrame) -> DataFrame:
    known = rows.where("category is not null and category <> '' and part > 0")
    sums = known.groupBy("user", "category").agg(F.sum("part").alias("weight"))
    order = Window.partitionBy("user").orderBy(F.col("weight").desc(), "category")
    best = sums.withColumn("n", F.row_number().over(order)).where(F.col("n") <= MAX_CATEGORIES)
    return best.groupBy("user").agg(F.collect_list(F.struct("category", "weight")).alias("categories"))
