"""Job `rates`: rankings by how often one action follows another, e.g. purchases per view.

Reads `item_facts` of the newest `rankings.corrections.days`, without what one person did too often. Writes each of
`rankings.rates` to Redis under a version of its own and only then moves the pointer. An item's rate is drawn to its
category's, a category's to the shop's (`common.models.rates`). What comes to the driver grows with categories only.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.entry import run_job
from batch.outcome import Outcome
from batch.registry import version_name
from batch.tables import capped_facts, newest_days
from common.config import Config, RateConfig
from common.events import COUNTS
from common.keys import SEPARATOR
from common.models.rates import Spread, smoothed, spread, strength
from common.sinks.rates import publish_rates, serve_rates
from common.sources.lake import ITEM_FACTS, exists


def run(spark: SparkSession, config: Config) -> Outcome:
    """Learns and publishes every rate."""
    if not config.rankings.rates:
        return Outcome("done", "no rates are configured")
    if not exists(spark, config, ITEM_FACTS):
        return Outcome("no-data", "no rates: no item facts yet, run 'stylestream batch facts'")
    version = version_name()
    recent = newest_days(capped_facts(spark, config), config.rankings.corrections.days, "window_start")
    written = [publish_rates(rated(recent, rate), config, rate.name, version) for rate in config.rankings.rates]
    if not sum(written):
        return Outcome("no-data", "no rates: nothing has been seen yet")
    serve_rates(config, [rate.name for rate in config.rankings.rates], version)
    return Outcome("done", f"rates {version} of {sum(written)} items")


def rated(facts: DataFrame, rate: RateConfig) -> DataFrame:
    """`category, member, score` of `ITEM_FACTS`; only what was seen at least once and has a rate above 0."""
    y, n = F.sum(COUNTS[rate.of]).cast("double"), F.sum(COUNTS[rate.per]).cast("double")
    items = facts.groupBy("category", "item_id").agg(y.alias("y"), n.alias("n")).where("n > 0")
    usual = usual_rates(items)
    spark = facts.sparkSession
    categories = spark.createDataFrame(list(usual.items()), "category string, m double")
    known = items.join(F.broadcast(categories), "category")
    sums = known.agg(F.sum(F.expr("n * pow(y / n - m, 2)")), F.sum("m"), F.sum(F.expr("n * m")), F.sum("n")).collect()[
        0
    ]
    b = F.lit(strength(Spread(*[float(value or 0) for value in sums])))
    score = ((F.col("y") + b * F.col("m")) / (F.col("n") + b)).alias("score")
    member = F.concat("category", F.lit(SEPARATOR), "item_id").alias("member")
    return known.select("category", member, score).where("score > 0")


def usual_rates(items: DataFrame) -> dict[str, float]:
    """Category → its rate, drawn to the shop's by what categories vary."""
    sums = items.groupBy("category").agg(F.sum("y").alias("y"), F.sum("n").alias("n")).collect()
    seen = sum(row["n"] for row in sums)
    overall = sum(row["y"] for row in sums) / seen if seen else 0.0
    believed = strength(spread([(row["y"], row["n"], overall) for row in sums]))
    return {row["category"]: smoothed(row["y"], row["n"], overall, believed) for row in sums}


if __name__ == "__main__":
    run_job("rates", run)
