"""Job `corrections`: what is usual in each category at each hour of the shop's day, and the factors from it.

Reads `item_facts` of the newest `rankings.corrections.days`, without what one person did too often: what is usual is
counted as the scores are that it corrects. Appends to Delta `corrections` (version, ranking, category, hour, rate,
factor), then writes the factors to Redis under the version's own keys and only then moves the pointer.
Formulas: `common.models.corrections`. What comes to the driver grows with categories, not with items or users.
"""

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.entry import run_job
from batch.outcome import Outcome
from batch.registry import version_name
from batch.tables import append, capped_facts, newest_days
from common.config import Config, RankingConfig
from common.keys import ALL, Keys
from common.models.corrections import HOURS, Array, factors, usual_rates
from common.redis_client import redis_target
from common.sources.lake import CORRECTIONS, ITEM_FACTS, exists, read_table
from common.views.decay import contributed

TTL_SECONDS = 14 * 24 * 3600
CATEGORIES_AT_ONCE = 500
ROWS = "version string, ranking string, category string, hour int, rate double, factor double"


def run(spark: SparkSession, config: Config) -> Outcome:
    """Learns and publishes the factors of every corrected ranking."""
    if not exists(spark, config, ITEM_FACTS):
        return Outcome("no-data", "no corrections: no item facts yet, run 'stylestream batch facts'")
    facts = newest_days(capped_facts(spark, config), config.rankings.corrections.days, "window_start")
    version = version_name()
    definitions = {ranking.name: ranking for ranking in config.rankings.definitions}
    categories: list[str] = []
    for corrected in config.rankings.corrected:
        ranking = definitions[corrected.of]
        categories, rates = learn(facts, ranking, config)
        if not categories:
            return Outcome("no-data", "no corrections: 0 item facts")
        fair, other = factors(rates, ranking, config.rankings.corrections.bound)
        rows = [
            (version, corrected.name, category, hour, float(rates[c, hour]), float(fair[c, hour]))
            for c, category in enumerate(categories)
            for hour in range(HOURS)
        ]
        append(spark.createDataFrame(rows, ROWS), config, CORRECTIONS)
        publish(config, version, corrected.name, categories, fair, other)
    _serve(config, version)
    return Outcome("done", f"corrections {version} of {len(categories)} categories")


def learn(facts: DataFrame, ranking: RankingConfig, config: Config) -> tuple[list[str], Array]:
    """Categories and their smoothed rates, categories × 24; hours are the shop's."""
    settings = config.rankings.corrections
    local = F.from_utc_timestamp("window_start", settings.time_zone)
    hourly = facts.select(
        "category", F.hour(local).alias("hour"), F.to_date(local).alias("day"), contributed(ranking.weights).alias("n")
    )
    summed = hourly.groupBy("category", "hour").agg(F.sum("n").alias("n")).collect()
    observed = hourly.groupBy("hour").agg(F.countDistinct("day").alias("n")).collect()
    categories = sorted({row["category"] for row in summed})
    place = {category: c for c, category in enumerate(categories)}
    actions, days = np.zeros((len(categories), HOURS)), np.zeros(HOURS)
    for row in summed:
        actions[place[row["category"]], row["hour"]] = row["n"]
    for row in observed:
        days[row["hour"]] = row["n"]
    return categories, usual_rates(actions, days, settings.prior_hours)


def restore(spark: SparkSession, config: Config) -> str:
    """The newest version in Delta that has every corrected ranking, to Redis, and the pointer; what was restored, for
    people.

    What a category not among them gets is not in Delta: it follows from the rates.
    """
    if not exists(spark, config, CORRECTIONS):
        return "none yet"
    table = read_table(spark, config, CORRECTIONS)
    names = [corrected.name for corrected in config.rankings.corrected]
    there = table.where(F.col("ranking").isin(names)).groupBy("version").agg(F.countDistinct("ranking").alias("n"))
    version = there.where(F.col("n") == len(names)).agg(F.max("version")).collect()[0][0]
    if version is None:
        return "none yet"
    rows = table.where(F.col("version") == F.lit(version)).collect()  # grows with categories
    definitions = {ranking.name: ranking for ranking in config.rankings.definitions}
    for corrected in config.rankings.corrected:
        own = [row for row in rows if row["ranking"] == corrected.name]
        categories = sorted({row["category"] for row in own})
        place = {category: c for c, category in enumerate(categories)}
        rates, fair = np.zeros((len(categories), HOURS)), np.zeros((len(categories), HOURS))
        for row in own:
            at = place[row["category"]], row["hour"]
            rates[at], fair[at] = row["rate"], row["factor"]
        other = factors(rates, definitions[corrected.of], config.rankings.corrections.bound)[1]
        publish(config, version, corrected.name, categories, fair, other)
    _serve(config, version)
    return str(version)


def _serve(config: Config, version: str) -> None:
    with redis_target(config).connect() as client:
        client.set(Keys(config.redis.prefix).live_corrections, version, ex=TTL_SECONDS)


def publish(config: Config, version: str, name: str, categories: list[str], fair: Array, other: Array) -> None:
    """The factors of one ranking, a hash an hour of day."""
    keys = Keys(config.redis.prefix)
    with redis_target(config).connect() as client:
        for hour in range(HOURS):
            key = keys.corrections(version, name, hour)
            client.hset(key, ALL, float(other[hour]))
            for first in range(0, len(categories), CATEGORIES_AT_ONCE):
                part = range(first, min(first + CATEGORIES_AT_ONCE, len(categories)))
                client.hset(key, mapping={categories[c]: float(fair[c, hour]) for c in part})
            client.expire(key, TTL_SECONDS)


if __name__ == "__main__":
    run_job("corrections", run)
