"""Job `als`: recommendations from the whole lake, judged, versioned, published.

Reads `events` at one table version. Writes `als_runs`, the parts of `batch.models`, the arrays of `ModelStore`,
and Redis: candidates, then the pointer; and on every run, whatever becomes of the model, long-term profiles and bought
sets. Each user gets `als.candidates` items by the blend (`als.share`), or by ALS alone where the blend does
worse. What the user has seen stays among them (a dress looked at is worth showing again); what the user has bought is
left out here, and once more at serving, which knows the purchases since.

With `als.search.trials` the parameters are searched first, on a part of the older actions. A model that does not
beat popularity by `als.min_lift_over_popularity`, or the live model's parameters by `als.min_lift_over_live`, is
recorded as refused and not published (exit 10); too little data is no run at all (exit 11). With `als.canary_share`
below 1 a new model is a canary: the live one stays until somebody promotes the new one. While a canary runs, further
models are published but not served, so that it is compared undisturbed; nor are they after a rollback, until somebody
promotes one.
"""

import json
from dataclasses import asdict, replace
from datetime import datetime, timezone
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch import als_drift, factors, models, registry
from batch.entry import run_job
from batch.evaluate import split_by_time
from batch.held_out import hold_out
from batch.interactions import actions, interactions
from batch.item_item import named
from batch.live import live_parameters, remove_leftovers, working_store
from batch.outcome import Outcome
from batch.products import newest_products
from batch.profiles import bought_items, long_profiles
from batch.recommend import histories, recommend
from batch.search import search
from batch.tables import newest_version, read_events
from batch.training import train
from batch.trial import MIN_EVALUATED, Trial, trial
from common.config import Config
from common.config_models import AlsConfig
from common.models.recommender import model_store
from common.sources.lake import EVENTS, exists

MIN_USERS = 20
MIN_ITEMS = 20


def run(spark: SparkSession, config: Config) -> Outcome:
    """Trains, judges and, when good enough, publishes."""
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "not trained: 0 interactions in the lake")
    started = datetime.now(timezone.utc)
    events_version = newest_version(spark, config, EVENTS)
    events = read_events(spark, config, events_version)
    rows = actions(events, config.als.weights).persist()
    try:
        given = _Input(events, rows, events_version, started)
        try:
            return _train(spark, config, given)
        finally:  # whatever became of the model; last, as nobody waits for it as for a first model
            if given.actions:
                models.publish_profiles(profiles(events, config, given.as_of_ms), config)
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
    chosen, judged, tried = _judge(spark, config, given)
    if not judged.als:
        return Outcome(
            "no-data",
            f"not trained: fewer than {MIN_EVALUATED} users have acted on something new in the newest"
            f" {config.als.test_fraction:.0%} of the actions",
        )
    version = registry.version_name(given.started)
    counts = {"users": users, "items": items, "interactions": pairs, "actions": given.actions}
    inputs = als_drift.counts(strengths)
    drift = als_drift.moved(inputs, registry.runs(spark, config))
    metrics = {**judged.metrics(), **counts, "search": tried, "inputs": inputs, "inputs_psi": drift}
    als_drift.publish(config, version, given.started, drift)
    chosen = replace(chosen, share=chosen.share if judged.blended else 1.0)
    refusal = judged.refusal(chosen.min_lift_over_popularity, chosen.min_lift_over_live)
    # Noted before it is saved: a run beside this one removes arrays that no run is known to have.
    registry.record(spark, config, _run(chosen, given, version, metrics, "refused" if refusal else "trained"))
    if not refusal:
        _save(config, chosen, strengths, given, version)
    strengths.unpersist()
    if refusal:
        return Outcome("refused", f"model {version} refused: {refusal}")
    return _publish(spark, config, given, version, metrics)


def _judge(spark: SparkSession, config: Config, given: _Input) -> tuple[AlsConfig, Trial, list[dict[str, Any]]]:
    """The parameters (searched on a part of the older actions if asked for), how they did, what was tried."""
    als, tried, store = config.als, list[dict[str, Any]](), working_store(config)
    remove_leftovers(store, given.started)
    older, newer = split_by_time(given.rows, als.test_fraction)
    if als.search.trials:
        held = hold_out(*split_by_time(older, als.test_fraction), als, given.as_of_ms)
        found = search(held, als, store) if held.users() >= MIN_EVALUATED else []
        held.release()
        als, tried = found[-1].als if found else als, [one.noted() for one in found]
    held = hold_out(older, newer, als, given.as_of_ms)
    judged = trial(held, als, store, live_parameters(spark, config))
    held.release()
    return als, judged, tried


def _save(config: Config, als: AlsConfig, strengths: DataFrame, given: _Input, version: str) -> None:
    data, store = factors.index(strengths), model_store(config)
    trained = train(data, als, store, version)
    models.save_part(factors.user_factors(trained.model, data), config, "als_user_factors", version)
    models.save_part(factors.item_factors(trained.model, data), config, "als_item_factors", version)
    if trained.weights is not None:
        models.save_part(named(trained.weights, data.items), config, models.ITEM_ITEM, version)
    places = data.items.select(F.col("id").alias("item"), F.col("index").alias("item_index"))
    bought = bought_items(given.events).join(places, "item")  # who and what, not how often: copies do not matter
    lists = recommend(histories(data.rows, bought), store, version, als.candidates)
    models.save_part(lists.where(F.size("items") > 0), config, models.CANDIDATES, version)
    trained.release()
    data.release()


def _publish(spark: SparkSession, config: Config, given: _Input, version: str, metrics: dict[str, Any]) -> Outcome:
    models.publish(spark, config, version)
    registry.set_status(spark, config, [version], "published")  # before it is live, or it may be live and never kept
    how = models.serve_new(spark, config, version)
    models.retire(spark, config)
    ours, popularity = metrics[metrics["published"]], metrics["popularity"]
    return Outcome(
        "done",
        f"model {version} {how}: {metrics['users']} users, {metrics['items']} items,"
        f" nDCG@10 of {metrics['published']} {ours['ndcg']:.4f} (popularity {popularity['ndcg']:.4f}),"
        f" events version {given.events_version}",
    )


def profiles(events: DataFrame, config: Config, as_of_ms: int) -> DataFrame:
    """Long-term profiles: the profile's action weights, the model's half-life, styles and brands of the catalogue."""
    weights, half_life = config.profile.weights, config.als.half_life_days
    return long_profiles(events, weights, half_life, as_of_ms, newest_products(events.sparkSession, config))


def _run(als: AlsConfig, given: _Input, version: str, metrics: dict[str, Any], status: registry.Status) -> registry.Run:
    parameters = {**asdict(als), "seed": factors.SEED}
    texts = json.dumps(parameters), json.dumps(metrics)
    return registry.Run(version, given.started, datetime.now(timezone.utc), given.events_version, *texts, status)


if __name__ == "__main__":
    run_job("als", run)
