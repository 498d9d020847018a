"""What each user has liked in the long term, from the events of the lake.

In: events (lake schema), and `item, style, brand` of the catalogue where there is one. Out, a row a user:
`user, bought array<string>, categories, styles, brands array<struct<name, weight>>, prices array<double>,
bands array<struct<name, prices array<double>>>, as_of_ms, pattern, last, until_ms` (the last three: `batch.patterns`).

A user is user_id; of an anonymous event the one user that its session is known to belong to, else the session
(`batch.interactions.at_login`).

- categories, styles, brands: Σ weight(action) · 2^(−age / half-life), the strongest `MOST` first. A weight w
  as of `as_of_ms` is w · 2^(−(t − as_of_ms) / half-life) at a later t.
- bands: [low, typical, high] as prices, in each of the categories.
- prices: [low, typical, high], the 10 %, 50 % and 90 % quantiles of the prices acted upon; empty without one.
- pattern, last: how the user browses up to `until_ms`; the last items viewed, carted, wished, bought.
- bought: the newest `MAX_BOUGHT` items bought; a refund does not take an item off it.
"""

from collections.abc import Mapping

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from batch.interactions import age_days, at_login, half_life, user_key, weight_of
from batch.patterns import ACTIONS, last_items, patterns, until
from common.config import Action
from common.facts.once import once_in_batch

QUANTILES = (0.1, 0.5, 0.9)
MOST = 50
MAX_BOUGHT = 1000
KEPT = ("user", "event_id", "item_id", "event_type", "event_time", "price", "category", "style", "brand", "device")
WEIGHTED = "array<struct<name:string,weight:double>>"
LAST_ITEMS = "array<struct<list:string,n:int,item:string,ms:bigint>>"
BANDS = "array<struct<name:string,prices:array<double>>>"


def long_profiles(
    events: DataFrame,
    weights: Mapping[Action, float],
    half_life_days: float,
    as_of_ms: int,
    products: DataFrame | None = None,
) -> DataFrame:
    """The long-term profile of everyone who has done something with an item."""
    kinds = F.col("event_type").isin(*{*weights, *ACTIONS})
    part = F.coalesce(weight_of(weights), F.lit(0.0)) * half_life(age_days(as_of_ms), half_life_days)
    rows = (
        once_in_batch(at_login(events).where(kinds & F.col("item_id").isNotNull()))
        .withColumns({"user": user_key(), "part": part})
        .where("user is not null")
        .select(*[name for name in KEPT if name == "user" or name in events.columns], "part")
        .persist()  # read once for the parts below; freed with the session, the job's last step or nearly
    )
    taste = rows.where(F.col("event_type").isin(*weights, "purchase"))
    prices = F.percentile("price", list(QUANTILES)).alias("prices")
    priced = taste.groupBy("user").agg(F.when(F.count("price") > 0, prices).alias("prices"))
    users = patterns(rows, until(as_of_ms)).join(last_items(rows), "user", "left").join(priced, "user", "left")
    joined = users.join(_bought(rows), "user", "left").join(_strongest(rows, "category", "categories"), "user", "left")
    joined = joined.join(_bands(taste), "user", "left")
    known = rows if products is None else rows.join(products.withColumnRenamed("item", "item_id"), "item_id", "left")
    for name, plural in (("style", "styles"), ("brand", "brands")):
        if name in known.columns:
            joined = joined.join(_strongest(known, name, plural), "user", "left")
        else:
            joined = joined.withColumn(plural, F.lit(None).cast(WEIGHTED))
    columns = {"bought": "array<string>", "last": LAST_ITEMS, "prices": "array<double>", "bands": BANDS}
    columns |= dict.fromkeys(("categories", "styles", "brands"), WEIGHTED)
    return joined.select(
        "user",
        *[F.coalesce(name, F.array().cast(kind)).alias(name) for name, kind in columns.items()],
        "pattern",
        F.lit(as_of_ms).cast("bigint").alias("as_of_ms"),
        F.lit(until(as_of_ms)).cast("bigint").alias("until_ms"),
    )


def bought_items(events: DataFrame) -> DataFrame:
    """`user, item, last`: who has bought what, and when last."""
    rows = at_login(events).where((F.col("event_type") == "purchase") & F.col("item_id").isNotNull())
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


def _strongest(rows: DataFrame, column: str, name: str) -> DataFrame:
    """`user` and `name`: the values of `column` with the most weight."""
    known = rows.where((F.col(column) != "") & (F.col("part") > 0))
    sums = known.groupBy("user", F.col(column).alias("name")).agg(F.sum("part").alias("weight"))
    order = Window.partitionBy("user").orderBy(F.col("weight").desc(), "name")
    best = sums.withColumn("n", F.row_number().over(order)).where(F.col("n") <= MOST)
    return best.groupBy("user").agg(F.collect_list(F.struct("name", "weight")).alias(name))


def _bands(rows: DataFrame) -> DataFrame:
    """`user, bands`: prices in the categories acted on most often."""
    priced = rows.where((F.col("category") != "") & (F.col("price") > 0))
    prices = F.percentile("price", list(QUANTILES)).alias("prices")
    of = priced.groupBy("user", F.col("category").alias("name")).agg(prices, F.count("*").alias("actions"))
    order = Window.partitionBy("user").orderBy(F.col("actions").desc(), "name")
    most = of.withColumn("n", F.row_number().over(order)).where(F.col("n") <= MOST)
    return most.groupBy("user").agg(F.collect_list(F.struct("name", "prices")).alias("bands"))
