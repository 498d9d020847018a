"""Job `keywords`: usual search rates and hour-of-day factors, learned again from the lake and published.

Reads searches of `events` at one table version, by the stream's own fact function. Writes Redis: under a new
version the S of the most searched keywords at T, then, in one step, baselines = batch up to T + stream from T on
(common/sinks/keyword_merge.lua). T = newest event time − watermark − window, rounded down to
`rankings.segment_minutes`: before T nothing changes any more and nothing is inside the window, which moves on with T
where nobody has searched lately. Running again, or late, makes no jump; a T older than what the stream's counts reach
back to is refused.
"""

from collections.abc import Mapping
from datetime import datetime, timezone

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.entry import run_job
from batch.facts import horizon_minute
from batch.outcome import Outcome
from batch.registry import version_name
from batch.tables import newest_version, read_events
from common.config import Config
from common.facts.once import once_in_batch
from common.facts.query import query_facts, searchers
from common.sinks.keyword_baseline import activate_baseline, publish_baseline
from common.sources.lake import EVENTS, exists
from common.views.decay import minute_of

HALF_LIVES = 20  # older counts weigh a millionth
PRIOR_HOURS = 2.0  # an hour of day is believed to be like any other until it was seen for this long


def run(spark: SparkSession, config: Config) -> Outcome:
    """Learns and publishes."""
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "no keywords: 0 events in the lake")
    events = read_events(spark, config, newest_version(spark, config, EVENTS))
    latest = horizon_minute(events, config)
    if latest is None:
        return Outcome("no-data", "no keywords: 0 events in the lake")
    segment = config.rankings.segment_minutes
    horizon = (latest - config.keywords.window_minutes) // segment * segment
    counts = minute_counts(events, config, horizon).cache()
    try:
        hours = hour_factors(counts)
        mass, base = usual(counts, config, horizon, hours)
        version = f"{horizon}-{version_name()}"
        rows = publish_baseline(base, config, version)
    finally:
        counts.unpersist()
    until = f"T {datetime.fromtimestamp(horizon * 60, timezone.utc):%Y-%m-%dT%H:%MZ}"
    if not activate_baseline(config, version, horizon, mass, hours):
        return Outcome("no-data", f"keywords not published: {until} does not meet the stream's counts")
    return Outcome("done", f"usual rates of {rows} keywords, {until}")


def minute_counts(events: DataFrame, config: Config, horizon: int) -> DataFrame:
    """`keyword, minute, searchers` before T, as far back as `keywords.history_days`."""
    first = horizon - config.keywords.history_days * 1440
    since = datetime.fromtimestamp(first * 60, timezone.utc)
    until = datetime.fromtimestamp(horizon * 60, timezone.utc)
    searches = events.where((F.col("event_type") == "search") & (F.col("event_time") >= F.lit(since)))
    searches = searches.where((F.col("date") >= F.lit(since.date())) & (F.col("event_time") < F.lit(until)))
    counted = searchers(query_facts(once_in_batch(searches)), config.keywords.max_length)
    return counted.select("keyword", minute_of(F.col("window_start")).alias("minute"), "searchers")


def hour_factors(counts: DataFrame) -> list[float]:
    """24 factors (UTC): searchers a minute at this hour of day by searchers a minute at all hours.

    Only minutes with a search count as seen. What is little seen stays near 1: `PRIOR_HOURS` of the mean are added.
    """
    hour = F.floor(F.col("minute") / 60) % 24
    by_hour = counts.groupBy(hour.alias("hour")).agg(
        F.sum("searchers").alias("searchers"), F.countDistinct("minute").alias("minutes")
    )
    rows = {int(r["hour"]): (float(r["searchers"]), float(r["minutes"])) for r in by_hour.collect()}  # 24 at most
    return shrunk(rows)


def shrunk(by_hour: Mapping[int, tuple[float, float]]) -> list[float]:
    """The factors from (searchers, minutes) by hour of day; all 1 without any."""
    minutes = sum(part[1] for part in by_hour.values())
    mean = sum(part[0] for part in by_hour.values()) / minutes if minutes else 0.0
    if not mean:
        return [1.0] * 24
    prior = PRIOR_HOURS * 60
    parts = (by_hour.get(hour, (0.0, 0.0)) for hour in range(24))
    return [(total + prior * mean) / ((seen + prior) * mean) for total, seen in parts]


def usual(counts: DataFrame, config: Config, horizon: int, hours: list[float]) -> tuple[float, DataFrame]:
    """M at T, and `keyword, seen` = S at T (`common.models.trend`)."""
    half_life = config.keywords.half_life_minutes
    recent = counts.where(F.col("minute") >= horizon - HALF_LIVES * half_life)
    weight = F.pow(F.lit(2.0), (F.col("minute") - horizon) / half_life)
    factors = F.array(*[F.lit(factor) for factor in hours])
    hour = (F.floor(F.col("minute") / 60) % 24).cast("int")
    observed = recent.select("minute").distinct().agg(F.sum(weight * F.get(factors, hour)))
    mass = observed.collect()[0][0]
    return float(mass or 0.0), recent.groupBy("keyword").agg(F.sum(F.col("searchers") * weight).alias("seen"))


if __name__ == "__main__":
    run_job("keywords", run)
