"""Click-through on For You by the version of the model that answered, while a canary runs.

An exposure there is the version's of the newest answer (`exposure_candidates`) that offered the item to the same person
within `ctr.window_minutes` before it (`SLACK_MS` after it, as clocks differ); it is clicked when the person does one of
`ctr.actions` to the item within as long after it, without naming another surface. Both versions are compared over the
same time: since the canary began, at most `ctr.days`, up to the newest exposure whose window is over.
"""

from datetime import timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.interactions import user_key
from batch.registry import moves, running_canary
from batch.tables import read_events
from common.config import Config
from common.config_models import CtrConfig
from common.config_surfaces import Surface
from common.facts.once import once_in_batch
from common.sources.lake import EVENTS, EXPOSURE_CANDIDATES, exists, read_table

MINUTE_MS, DAY_MS = 60_000, 86_400_000
SLACK_MS = 2_000  # shops that send whole seconds, and their clocks
SURFACE: Surface = "for-you"


def since_the_canary(spark: SparkSession, config: Config) -> dict[str, tuple[int, int]]:
    """Version → exposures, clicked ones; empty without a canary, or before the lake has any of both."""
    start = running_canary(moves(spark, config))
    if start is None or not all(exists(spark, config, name) for name in (EVENTS, EXPOSURE_CANDIDATES)):
        return {}
    day = F.col("date") >= F.lit((start.moved_at - timedelta(days=1)).date())
    events = read_events(spark, config).where(day)
    answers = read_table(spark, config, EXPOSURE_CANDIDATES).where(day)
    found = click_through(events, answers, config.ctr, int(start.moved_at.timestamp() * 1000)).collect()
    return {row["version"]: (row["exposures"], row["clicked"]) for row in found}


def click_through(events: DataFrame, answers: DataFrame, ctr: CtrConfig, since_ms: int) -> DataFrame:
    """`version, exposures, clicked`, from events and answers as the lake has them."""
    window = ctr.window_minutes * MINUTE_MS
    newest = events.agg(F.unix_millis(F.max("event_time"))).collect()[0][0] or 0
    since = max(since_ms, newest - ctr.days * DAY_MS)
    here = F.coalesce("surface", F.lit(SURFACE)) == SURFACE
    kept = once_in_batch(events.where(here & F.col("event_type").isin("exposure", *ctr.actions)))
    acts = kept.select(
        "event_id", "event_type", user_key().alias("user"), "item_id", F.unix_millis("event_time").alias("ms")
    )
    shown = acts.where((F.col("event_type") == "exposure") & F.col("ms").between(since, newest - window))
    offered = answers.where((F.col("surface") == SURFACE) & F.element_at("versions", F.lit("als")).isNotNull())
    version = F.element_at("versions", F.lit("als")).alias("version")
    at = F.unix_millis("time").alias("at")
    by = offered.select(F.col("user_id").alias("user"), F.explode("items.item_id").alias("item_id"), version, at)
    named = shown.join(by, ["user", "item_id"]).where(F.col("ms").between(F.col("at") - SLACK_MS, F.col("at") + window))
    one = named.groupBy("event_id", "user", "item_id", "ms").agg(F.max_by("version", "at").alias("version"))
    deeds = acts.where("event_type <> 'exposure'").select("user", "item_id", F.col("ms").alias("acted"))
    within = F.coalesce(F.col("acted").between(F.col("ms"), F.col("ms") + window), F.lit(False)).cast("int")
    each = one.join(deeds, ["user", "item_id"], "left").groupBy("event_id", "version").agg(F.max(within).alias("hit"))
    return each.groupBy("version").agg(F.count("*").alias("exposures"), F.sum("hit").alias("clicked"))
