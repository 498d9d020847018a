"""Job `ctr`: the click-through model that orders "How about this now", from exposures and what came of them.

Reads `events` at one table version and `catalog`. Exposures of the last `ctr.days` whose time to be clicked is over are
split by time: the older part trains, the next calibrates, the newest judges. Appends to Delta `ctr_runs`; writes the
model to Redis and then moves the pointer. A model that the gate does not let pass is recorded as refused and not
published (exit 10); too few exposures or clicks are no run at all (exit 11). What has moved since the training goes to
Redis too, for Prometheus (`batch.ctr_drift`).
"""

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta, timezone

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch import ctr_drift
from batch.ctr_exposures import Label, exposures
from batch.ctr_inputs import category_prices
from batch.ctr_judge import Quality, drift_line, psi, quality, refusal, segments
from batch.ctr_runs import POINTER, Run, live_model, put, record, retire
from batch.ctr_train import fit, predicted
from batch.entry import run_job
from batch.outcome import Outcome
from batch.pointer import serve_new
from batch.registry import version_name
from batch.tables import newest_time, newest_version, read_events
from common.config import Config
from common.events import ITEM_TYPES
from common.facts.once import once_in_batch
from common.models.ctr import Scorecard
from common.sources.lake import CATALOG, EVENTS, exists, read_table
from common.views.ctr_features import MINUTE_MS, late_minutes, settled_until

MIN_CLICKS = 50  # in each part
ACCURACY = 10_000
COLUMNS = (
    "event_id",
    "event_type",
    "event_time",
    "user_id",
    "session_id",
    "item_id",
    "category",
    "price",
    "quantity",
    "surface",
    "position",
)


@dataclass(frozen=True)
class Parts:
    """Exposures by time, each an `exposures` frame."""

    older: DataFrame
    middle: DataFrame
    newest: DataFrame


@dataclass(frozen=True)
class Trained:
    """A model and how it did on the newest part; `live` is the served model's quality there, `rates` the click-through
    by surface."""

    card: Scorecard
    new: Quality
    live: Quality | None
    trained_rate: float
    indices: dict[str, float]
    segments: dict[str, dict[str, float | int | None]]
    rates: ctr_drift.Rates


def run(spark: SparkSession, config: Config) -> Outcome:
    """Trains, judges and, when good enough, publishes."""
    if not exists(spark, config, EVENTS):
        return Outcome("no-data", "not trained: 0 exposures in the lake")
    started = datetime.now(timezone.utc)
    events_version = newest_version(spark, config, EVENTS)
    events = recent(read_events(spark, config, events_version), config.ctr.days).persist()
    changes = read_table(spark, config, CATALOG) if exists(spark, config, CATALOG) else None
    rows, as_of_ms = labelled(events, changes, config)
    rows = rows.persist()
    try:
        few = too_few(rows, config)
        if few:
            return Outcome("no-data", f"not trained: {few}")
        parts = split(rows, config)
        one_sided = without_both(parts)
        if one_sided:
            return Outcome("no-data", f"not trained: {one_sided}")
        made = train(parts, config, version_name(started), live_model(config))
        until = settled_until(as_of_ms // MINUTE_MS, late_minutes(config.streaming.watermark))
        prices = category_prices(events, until)
    finally:
        rows.unpersist()
        events.unpersist()
    made = replace(made, card=replace(made.card, category_price=prices, as_of_ms=as_of_ms))
    return _publish(spark, config, made, started, events_version)


def recent(events: DataFrame, days: int) -> DataFrame:
    """Item events of the newest `days` and the day before them, each once; `COLUMNS`."""
    newest = newest_time(events)
    kept = events.where(F.col("event_type").isin(*ITEM_TYPES) & F.col("item_id").isNotNull())
    if newest is not None:
        since = newest - timedelta(days=days + 1)
        kept = kept.where((F.col("date") >= F.lit(since.date())) & (F.col("event_time") >= F.lit(since)))
    return once_in_batch(kept).select(*COLUMNS)


def labelled(events: DataFrame, changes: DataFrame | None, config: Config) -> tuple[DataFrame, int]:
    """Exposures whose outcome is known, and the newest event's time."""
    row = events.agg(F.unix_millis(F.max("event_time")), F.unix_millis(F.min("event_time"))).collect()[0]
    as_of_ms, first = int(row[0] or 0), int(row[1] or 0)
    until = as_of_ms - config.ctr.window_minutes * MINUTE_MS
    since = max(first, as_of_ms - config.ctr.days * 86_400_000)
    late = late_minutes(config.streaming.watermark)
    label = Label(tuple(config.ctr.actions), config.ctr.window_minutes * MINUTE_MS)
    return exposures(events, changes, label, late, since, until), as_of_ms


def too_few(rows: DataFrame, config: Config) -> str:
    """What there is too little of; empty when there is enough."""
    n, clicks = rows.agg(F.count("*"), F.sum("label")).collect()[0]
    least = math.ceil(MIN_CLICKS / min(config.ctr.calibration_fraction, config.ctr.test_fraction))
    if n >= config.ctr.min_exposures and (clicks or 0) >= least and clicks < n:
        return ""
    return f"{n} exposures with {clicks or 0} clicks in the lake; it takes {config.ctr.min_exposures} and {least}"


def split(rows: DataFrame, config: Config) -> Parts:
    """By time: the oldest part trains, the newest `test_fraction` judges, the part before it calibrates."""
    shares = [1 - config.ctr.test_fraction - config.ctr.calibration_fraction, 1 - config.ctr.test_fraction]
    first, second = rows.agg(F.percentile_approx("time_ms", shares, ACCURACY)).collect()[0][0]
    time = F.col("time_ms")
    return Parts(rows.where(time < first), rows.where((time >= first) & (time < second)), rows.where(time >= second))


def without_both(parts: Parts) -> str:
    """The first part that lacks clicked or unclicked exposures, however many there are in all; empty when none does."""
    for part in fields(parts):
        n, clicks = getattr(parts, part.name).agg(F.count("*"), F.coalesce(F.sum("label"), F.lit(0))).collect()[0]
        if not 0 < clicks < n:
            return f"{clicks} of the {n} exposures of the {part.name} part are clicked; it takes some of both"
    return ""


def train(parts: Parts, config: Config, version: str, live: Scorecard | None) -> Trained:
    """A model of the older part, beside the live one on the newest."""
    card = fit(parts.older, parts.middle, config.ctr, version)
    scored = predicted(parts.newest, card).persist()
    new, by_segment = quality(scored), segments(scored)
    scored.unpersist()
    old = quality(predicted(parts.newest, live)) if live is not None else None
    rate = parts.older.agg(F.avg("label")).collect()[0][0]
    indices = psi(parts.older, parts.newest, card)
    rates = ctr_drift.click_through(parts.older, parts.newest, card.surfaces)
    return Trained(card, new, old, float(rate or 0.0), indices, by_segment, rates)


def _publish(spark: SparkSession, config: Config, made: Trained, started: datetime, events_version: int) -> Outcome:
    ctr, card, new = config.ctr, made.card, made.new
    drift = drift_line(made.indices, made.trained_rate, new.rate, ctr.psi_alarm)
    why = refusal(new, made.live, ctr.min_gain, ctr.max_loss_to_live, ctr.calibration_bound)
    metrics = {
        "new": asdict(new),
        "live": asdict(made.live) if made.live else None,
        "psi": {name: round(value, 4) for name, value in made.indices.items()},
        "click_through": {"trained": made.trained_rate, "newest": new.rate},
        "by_surface": made.rates,
        "segments": made.segments,
        "drift": drift,
    }
    model = card.dump().decode()
    texts = json.dumps(asdict(ctr)), json.dumps(metrics)
    ended = datetime.now(timezone.utc)
    ctr_drift.publish(config, card.version, ended, made.indices, made.rates)
    if why:
        record(spark, config, Run(card.version, started, ended, events_version, *texts, "refused", model))
        return Outcome("refused", f"click-through model {card.version} refused: {why}; {drift}")
    put(config, card.version, model)
    record(spark, config, Run(card.version, started, ended, events_version, *texts, "published", model))
    how = serve_new(spark, config, POINTER, card.version)
    retire(spark, config)
    return Outcome(
        "done",
        f"click-through model {card.version} {how}: AUC {new.auc:.4f}, normalised entropy"
        f" {new.normalized_entropy:.4f}, predicted/observed {new.calibration:.3f},"
        f" events version {events_version}; {drift}",
    )


if __name__ == "__main__":
    run_job("ctr", run)
