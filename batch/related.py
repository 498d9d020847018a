"""Job `related`: which items go together (complements) and which could stand in for each other (substitutes).

Reads `events` at one table version, and the factors of the live ALS model where there is one. Writes Delta
`related_items` (version, kind, item, items: array of other, together, als; a version is a partition), then Redis: each
item's two lists under the version's own keys, counted, and last of all the pointer; a row is added to `related_runs`.
Fewer lists than `related.min_lists_to_live` times those of the live version are refused (exit 10): it stays. Older
versions than `related.keep_versions` are removed, but not the live one.

| kind | from | of those |
|---|---|---|
| related | carts and orders | the `related.keep` with the strongest co-occurrence |
| similar | sessions; items near by ALS factors | same category only; the strongest of either |

`together` is √G² (`batch.together`), `als` the cosine of the factors; how much each counts is for serving to say.
"""

import json
from dataclasses import asdict
from datetime import datetime, timezone

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from batch import models, registry, related_versions
from batch.alike import cosine, nearest
from batch.entry import run_job
from batch.outcome import Outcome
from batch.pointer import current, serve_new
from batch.tables import newest_days, newest_version, read_events
from batch.together import carts, sessions, together
from common.config import Config
from common.sources.lake import EVENTS, exists, read_table

FACTORS = "als_item_factors"
NO_FACTORS = "item string, index int, features array<float>"


def run(spark: SparkSession, config: Config) -> Outcome:
    """Counts, judges and, when there is enough, publishes."""
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "no related items: 0 events in the lake")
    started = datetime.now(timezone.utc)
    version = registry.version_name(started)
    events_version = newest_version(spark, config, EVENTS)
    events = newest_days(read_events(spark, config, events_version), config.related.days)
    factors = live_factors(spark, config).persist()
    kinds = {"related": complements(events, factors, config), "similar": substitutes(events, factors, config)}
    rows = [lists(frame, config.related.keep).select(F.lit(kind).alias("kind"), "*") for kind, frame in kinds.items()]
    related_versions.save(rows[0].unionByName(rows[1]), config, version)
    factors.unpersist()
    made = related_versions.count(spark, config, version)
    before = related_versions.count(spark, config, current(spark, config, related_versions.POINTER))
    why = refusal(made, before, config.related.min_lists_to_live)
    if why or not made:
        related_versions.remove(spark, config, version)
    if not why and not made:
        return Outcome("no-data", "no related items: nothing occurs together more often than chance has it")
    texts = json.dumps(asdict(config.related)), json.dumps({"lists": made, "live_lists": before})
    status: registry.Status = "refused" if why else "published"
    ended = datetime.now(timezone.utc)
    registry.record(spark, config, registry.Run(version, started, ended, events_version, *texts, status), "related")
    if why:
        return Outcome("refused", f"version {version} of the related items refused: {why}")
    related_versions.publish(spark, config, version)
    how = serve_new(spark, config, related_versions.POINTER, version)
    related_versions.retire(spark, config)
    return Outcome(
        "done", f"version {version} of the related items {how}: {made} lists, events version {events_version}"
    )


def refusal(made: int, live: int, share: float) -> str:
    """Why the gate does not let so many lists pass; empty when it does. `live`: of the version that is served."""
    if made >= share * live:
        return ""
    least = f"must be at least {share:g} times that (related.min_lists_to_live)"
    return f"{made} lists, the live version has {live}: {least}"


def complements(events: DataFrame, factors: DataFrame, config: Config) -> DataFrame:
    """`item, other, together, als` of what is bought together."""
    pairs = strongest(together(carts(events), config.related), "together", config.related.keep)
    return with_cosines(pairs, factors)


def substitutes(events: DataFrame, factors: DataFrame, config: Config) -> DataFrame:
    """`item, other, together, als` of one category: looked at together, or near by the model."""
    keep = config.related.keep
    seen = strongest(same_category(together(sessions(events), config.related), events), "together", keep)
    near = strongest(same_category(nearest(factors, 2 * keep), events), "als", keep)
    both = with_cosines(seen, factors).join(near.withColumnRenamed("als", "near"), ["item", "other"], "full")
    return both.select(
        "item", "other", F.coalesce("together", F.lit(0.0)).alias("together"), F.coalesce("als", "near").alias("als")
    )


def strongest(pairs: DataFrame, column: str, n: int) -> DataFrame:
    """The `n` best others of each item."""
    order = Window.partitionBy("item").orderBy(F.desc(column), "other")
    return pairs.withColumn("_place", F.row_number().over(order)).where(F.col("_place") <= n).drop("_place")


def with_cosines(pairs: DataFrame, factors: DataFrame) -> DataFrame:
    """`als` beside: the cosine of both items' factors, null where the model lacks one."""
    one = factors.select("item", F.col("features").alias("_one"))
    other = factors.select(F.col("item").alias("other"), F.col("features").alias("_other"))
    joined = pairs.join(one, "item", "left").join(other, "other", "left")
    return joined.withColumn("als", cosine(F.col("_one"), F.col("_other"))).drop("_one", "_other")


def same_category(pairs: DataFrame, events: DataFrame) -> DataFrame:
    """The pairs within one category; an item is in the category of its newest event that has one."""
    known = events.where("item_id is not null and category is not null")
    category = known.groupBy(F.col("item_id").alias("item")).agg(F.max_by("category", "event_time").alias("_category"))
    others = category.select(F.col("item").alias("other"), F.col("_category").alias("_its"))
    joined = pairs.join(category, "item").join(others, "other")
    return joined.where("_category = _its").drop("_category", "_its")


def lists(pairs: DataFrame, keep: int) -> DataFrame:
    """`item, items`: array of other, together, als, at most twice `keep` (the best of either measure)."""
    entry = F.struct(
        (-F.col("together")).alias("minus"), "other", "together", F.coalesce("als", F.lit(0.0)).alias("als")
    )
    ordered = F.slice(F.array_sort(F.collect_list(entry)), 1, 2 * keep)
    items = F.transform(ordered, lambda e: F.struct(e["other"].alias("item"), e["together"], e["als"]))
    return pairs.groupBy("item").agg(items.alias("items"))


def live_factors(spark: SparkSession, config: Config) -> DataFrame:
    """`item, index, features` of the model that all users have, or had until Redis lost its pointer: not of a newer one
    that a rollback took back or a canary tries; none without one."""
    live = models.live_version(config) or registry.live(spark, config)
    if not live or not exists(spark, config, FACTORS):
        return spark.createDataFrame([], NO_FACTORS)
    table = read_table(spark, config, FACTORS).where(F.col("model_version") == F.lit(live))
    return table.select("item", "index", F.col("features").cast("array<float>").alias("features"))


if __name__ == "__main__":
    run_job("related", run)
