"""Job `als`: recommendations from the whole lake, judged, versioned, published.

Reads `events` at one table version. Writes `als_runs`, the parts of `batch.models`, and Redis: candidates,
long-term profiles, bought sets, and last of all the pointer. Each user gets `als.candidates` items. What
the user has seen stays among them (a dress looked at is worth showing again); what the user has bought is
left out here, and once more at serving, which knows the purchases since.

A model that does not beat popularity by `als.min_lift_over_popularity` is recorded as refused and not
published (exit 10); too little data is no run at all (exit 11).
"""

import json
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch import factors, models, registry
from batch.entry import run_job
from batch.interactions import actions, interactions
from batch.outcome import Outcome
from batch.products import newest_products
from batch.profiles import bought_items, long_profiles
from batch.tables import newest_version
from batch.trial import MIN_EVALUATED, trial
from common.config import Config
from common.sources.lake import EVENTS, exists, read_table

MIN_USERS = 20
MIN_ITEMS = 20
MARGIN_QUANTILE = 0.99  # so many users have bought no more than the margin asked for beyond `als.candidates`
MAX_MARGIN = 4  # … times `als.candidates`


def run(spark: SparkSession, config: Config) -> Outcome:
    """Trains, judges and, when good enough, publishes."""
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "not trained: 0 interactions in the lake")
    started = datetime.now(timezone.utc)
    events_version = newest_version(spark, config, EVENTS)
    events = read_table(spark, config, EVENTS, events_version)
    rows = actions(events, config.als.weights).persist()
    try:
        return _train(spark, config, _Input(events, rows, events_version, started))
    finally:
        rows.unpersist()


class _Input:
    """The events at one version, their actions, and how much there is of them."""

    def __init__(self, events: DataFrame, rows: DataFrame, events_version: int, started: datetime) -> None:
        self.events, self.rows, self.events_version, self.started = events, rows, events_version, started
        newest = F.unix_millis(F.max("event_time")).alias("as_of_ms")
        row = rows.agg(F.count("*").alias("n"), newest).collect()[0]
        self.actions, self.as_of_ms = int(row["n"]), int(row["as_of_ms"] or 0)


def _train(spark: SparkSession, config: Config, given: _Input) -> Outcome:
    strengths = interactions(given.rows, config.als.half_life_days, given.as_of_ms).persist()
    users, items, pairs = strengths.agg(F.countDistinct("user"), F.countDistinct("item"), F.count("*")).collect()[0]
    if users < MIN_USERS or items < MIN_ITEMS:
        few = f"{pairs} interactions of {users} users with {items} items" if pairs else "0 interactions"
        return Outcome("no-data", f"not trained: {few} in the lake; it takes {MIN_USERS} users and {MIN_ITEMS} items")
    factors.use_checkpoints(spark, f"{config.checkpoint_path}/als")
    judged = trial(given.rows, config.als, given.as_of_ms)
    if judged.als.users < MIN_EVALUATED:
        return Outcome(
            "no-data",
            f"not trained: {judged.als.users} users have acted on something new in the newest"
            f" {config.als.test_fraction:.0%} of the actions; the evaluation takes {MIN_EVALUATED}",
        )
    version = registry.version_name(given.started)
    counts = {"users": users, "items": items, "interactions": pairs, "actions": given.actions}
    metrics = {**judged.metrics(), **counts}
    refusal = judged.refusal(config.als.min_lift_over_popularity)
    if refusal:
        registry.record(spark, config, _run(config, given, version, metrics, "refused"))
        return Outcome("refused", f"model {version} refused: {refusal}")
    _save(config, factors.fit(strengths, config.als), given, version)
    registry.record(spark, config, _run(config, given, version, metrics, "trained"))
    strengths.unpersist()
    return _publish(spark, config, given, version, metrics)


def _save(config: Config, trained: factors.Trained, given: _Input, version: str) -> None:
    n = config.als.candidates
    bought = bought_items(given.events).persist()  # who and what, not how often: copies do not matter
    margin = bought.groupBy("user").count().agg(F.percentile_approx("count", MARGIN_QUANTILE)).collect()[0][0] or 0
    scored = factors.recommend(trained, n + min(int(margin), MAX_MARGIN * n))
    models.save_part(factors.user_factors(trained), config, "als_user_factors", version)
    models.save_part(factors.item_factors(trained), config, "als_item_factors", version)
    models.save_part(factors.candidate_lists(scored, bought, n), config, models.CANDIDATES, version)
    trained.release()
    bought.unpersist()


def _publish(spark: SparkSession, config: Config, given: _Input, version: str, metrics: dict[str, Any]) -> Outcome:
    models.publish(spark, config, version)
    models.publish_profiles(profiles(given.events, config, given.as_of_ms), config)
    models.move_pointer(spark, config, version, "publish")
    registry.set_status(spark, config, version, "published")
    models.retire(spark, config)
    als, popularity = metrics["als"], metrics["popularity"]
    return Outcome(
        "done",
        f"model {version} is live: {metrics['users']} users, {metrics['items']} items,"
        f" nDCG@10 {als['ndcg']:.4f} (popularity {popularity['ndcg']:.4f}),"
        f" events version {given.events_version}",
    )


def profiles(events: DataFrame, config: Config, as_of_ms: int) -> DataFrame:
    """Long-term profiles: the profile's action weights, the model's half-life, styles and brands of the catalogue."""
    weights, half_life = config.profile.weights, config.als.half_life_days
    return long_profiles(events, weights, half_life, as_of_ms, newest_products(events.sparkSession, config))


def _run(config: Config, given: _Input, version: str, metrics: dict[str, Any], status: registry.Status) -> registry.Run:
    parameters = {**asdict(config.als), "seed": factors.SEED}
    texts = json.dumps(parameters), json.dumps(metrics)
    return registry.Run(version, given.started, datetime.now(timezone.utc), given.events_version, *texts, status)


if __name__ == "__main__":
    run_job("als", run)
