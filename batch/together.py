"""Which items occur together in carts and orders, and which in browsing sessions, beyond chance.

In: events of the lake. A unit is what they occur together in, each item once:

- `carts`: the items of one order, and the items put into the cart in one session (or on one day, without a session)
- `sessions`: the items viewed or clicked in one session (or on one day)

What came before a login in a session is in one unit with what came after it.

Of a unit the newest `per_unit` items are looked at, so that a bot's thousands of views cost no more than a long
session (the interaction cut of Schelter, Boden, Markl, RecSys 2012). Out: `item, other, together` in both directions,
together = √G² (`common.models.significance`), which grows like a z.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from batch.interactions import at_login, user_key
from common.config_surfaces import RelatedConfig
from common.facts.once import once_in_batch
from common.models.significance import log_likelihood_ratio


def carts(events: DataFrame) -> DataFrame:
    """`unit, item, at` of carts and orders."""
    events = at_login(events)
    bought = events.where("event_type = 'purchase'")
    order = F.concat(F.lit("o:"), F.coalesce("order_id", _session()))
    added = events.where("event_type = 'cart_add'")
    both = bought.withColumn("unit", order).unionByName(added.withColumn("unit", F.concat(F.lit("c:"), _session())))
    return _units(both)


def sessions(events: DataFrame) -> DataFrame:
    """`unit, item, at` of what was looked at."""
    return _units(at_login(events).where("event_type in ('view', 'click')").withColumn("unit", _session()))


def _session() -> Column:
    day = F.date_format("event_time", "yyyy-MM-dd")
    return F.concat_ws("\x1f", user_key(), F.coalesce("session_id", day))


def _units(rows: DataFrame) -> DataFrame:
    known = once_in_batch(rows).where("unit is not null and item_id is not null")
    return known.groupBy("unit", F.col("item_id").alias("item")).agg(F.max("event_time").alias("at"))


def together(units: DataFrame, settings: RelatedConfig) -> DataFrame:
    """`item, other, together` of the pairs that are no chance; the counts of the units that are looked at."""
    newest = Window.partitionBy("unit").orderBy(F.desc("at"), "item")
    kept = units.withColumn("n", F.row_number().over(newest)).where(F.col("n") <= settings.per_unit)
    kept = kept.select("unit", "item").persist()
    total = kept.select("unit").distinct().count()
    held = kept.groupBy("item").agg(F.count("*").alias("held"))
    pairs = (
        kept.join(kept.withColumnRenamed("item", "other"), "unit")
        .where(F.col("item") < F.col("other"))
        .groupBy("item", "other")
        .agg(F.count("*").alias("k"))
        .where(F.col("k") >= settings.min_together)
    )
    counted = pairs.join(held.withColumnRenamed("held", "a"), "item").join(
        held.select(F.col("item").alias("other"), F.col("held").alias("b")), "other"
    )
    score = log_likelihood_ratio(F.col("k"), F.col("a"), F.col("b"), F.lit(total))
    scored = counted.withColumn("score", score).where(F.col("score") >= settings.min_score)
    one = scored.select("item", "other", F.sqrt("score").alias("together"))
    return one.unionByName(one.select(F.col("other").alias("item"), F.col("item").alias("other"), "together"))
