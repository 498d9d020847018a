"""How good predicted chances of a click are, and how far what comes in has moved from what was trained on.

With labels y, predictions p over N exposures and their click rate r:

- log loss = −1/N Σ y ln p + (1 − y) ln(1 − p)
- normalised entropy = log loss ÷ −(r ln r + (1 − r) ln(1 − r)): 1 is what the rate itself gives to everyone (He et al.
  2014, Practical Lessons from Predicting Clicks on Ads at Facebook)
- calibration = Σ p ÷ Σ y
- expected calibration error = Σ over tenths of the predictions |mean p − mean y| · share (Naeini et al. 2015)
- PSI of a feature = Σ over its buckets (a − b) ln(a / b), a and b being shares of the older and the newer rows (Siddiqi
  2006); above 0.2 is usually called a shift

Quality by segment is that of people by what they had done before the exposure (in the events that the job reads):
`new` nothing, `light` up to `LIGHT` actions, `heavy` more.

Only sums reach the driver.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from batch.ctr_train import coded
from common.models.ctr import Scorecard
from common.views.ctr_features import NAMES

TENTHS = [n / 10 for n in range(1, 10)]
ACCURACY = 0.001
LEAST_P = 1e-12
LEAST_SHARE = 1e-4  # of a bucket that one side lacks
LIGHT = 10  # actions


@dataclass(frozen=True)
class Quality:
    """Over `exposures` rows; `calibration` is predicted by observed clicks."""

    exposures: int
    clicks: int
    auc: float
    log_loss: float
    normalized_entropy: float
    calibration: float
    calibration_error: float

    @property
    def rate(self) -> float:
        return self.clicks / self.exposures


def entropy(rate: float) -> float:
    """Log loss of the rate itself; 0 where all or none are clicked."""
    return -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate)) if 0 < rate < 1 else 0.0


def quality(scored: DataFrame) -> Quality:
    """Of `label, p`; there must be both clicked and unclicked rows."""
    row = scored.agg(F.count("*"), F.sum("label"), F.sum("p"), F.avg(_loss())).collect()[0]
    n, clicks, expected, log_loss = int(row[0]), int(row[1]), float(row[2]), float(row[3])
    auc = BinaryClassificationEvaluator(rawPredictionCol="p", numBins=0).evaluate(scored)
    normalized = log_loss / entropy(clicks / n)
    return Quality(n, clicks, float(auc), log_loss, normalized, expected / clicks, _calibration_error(scored, n))


def segments(scored: DataFrame) -> dict[str, dict[str, float | int | None]]:
    """By segment, of `label, p, deeds`: exposures, clicks, log loss, normalised entropy, calibration; None for the last
    two where all or none were clicked."""
    deeds = F.col("deeds")
    segment = F.when(deeds == 0, "new").when(deeds <= LIGHT, "light").otherwise("heavy").alias("segment")
    sums = F.count("*").alias("n"), F.sum("label").alias("clicks"), F.sum("p").alias("p"), F.avg(_loss()).alias("loss")
    found = {}
    for row in scored.groupBy(segment).agg(*sums).collect():
        n, clicks, usual = row["n"], int(row["clicks"]), entropy(row["clicks"] / row["n"])
        found[row["segment"]] = {
            "exposures": n,
            "clicks": clicks,
            "log_loss": round(row["loss"], 6),
            "normalized_entropy": round(row["loss"] / usual, 4) if usual else None,
            "calibration": round(row["p"] / clicks, 4) if usual else None,
        }
    return found


def _loss() -> Column:
    p = F.least(F.greatest("p", F.lit(LEAST_P)), F.lit(1 - LEAST_P))
    return -F.when(F.col("label") == 1, F.log(p)).otherwise(F.log(1 - p))


def _calibration_error(scored: DataFrame, n: int) -> float:
    cuts = sorted(set(scored.approxQuantile("p", TENTHS, ACCURACY)))
    tenth = sum([(F.col("p") >= cut).cast("int") for cut in cuts], start=F.lit(0))
    sums = scored.groupBy(tenth.alias("tenth")).agg(F.sum("p").alias("p"), F.sum("label").alias("y")).collect()
    return math.fsum(abs(row["p"] - row["y"]) for row in sums) / n


def psi(older: DataFrame, newer: DataFrame, card: Scorecard) -> dict[str, float]:
    """PSI of each feature between the rows it was trained on and the newest."""
    before, after = _histogram(older, card), _histogram(newer, card)
    found = {}
    for n, name in enumerate(NAMES):
        pairs = [(before.get((n, bucket), 0), after.get((n, bucket), 0)) for bucket in range(card.bins.sizes[n])]
        found[name] = index(np.array(pairs, float))
    return found


def index(counts: "np.typing.NDArray[np.float64]") -> float:
    """PSI of buckets × (older count, newer count)."""
    totals = counts.sum(axis=0)
    if not totals.all():
        return 0.0
    a, b = np.maximum(counts / totals, LEAST_SHARE).T
    return float(((a - b) * np.log(a / b)).sum())


def _histogram(rows: DataFrame, card: Scorecard) -> dict[tuple[int, int], int]:
    """(feature, bucket) → rows."""

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            buckets = card.bins.buckets(coded(batch, card.surfaces))
            for n in range(buckets.shape[1]):
                which, counts = np.unique(buckets[:, n], return_counts=True)
                columns = [np.full(len(which), n), which, counts]
                yield pa.record_batch([pa.array(c, pa.int64()) for c in columns], ["feature", "bucket", "n"])

    parts = rows.select("label", "surface", "x").mapInArrow(count, "feature bigint, bucket bigint, n bigint")
    summed = parts.groupBy("feature", "bucket").agg(F.sum("n").alias("n")).collect()
    return {(row["feature"], row["bucket"]): row["n"] for row in summed}


def refusal(new: Quality, live: Quality | None, min_gain: float, to_live: float, bound: float) -> str:
    """Why the gate does not let a model pass; empty when it does."""
    if new.normalized_entropy > 1 - min_gain:
        return (
            f"its normalised entropy is {new.normalized_entropy:.4f}, the click rate's own is 1: it must be at most"
            f" {1 - min_gain:g} (ctr.min_gain)"
        )
    if live is not None and new.log_loss > live.log_loss * to_live:
        return (
            f"its log loss is {new.log_loss:.5f}, the live model's {live.log_loss:.5f} on the same exposures: it may be"
            f" {to_live:g} times that (ctr.max_loss_to_live)"
        )
    if not 1 / bound <= new.calibration <= bound:
        return (
            f"it predicts {new.calibration:.2f} times the clicks there were: it must be within {1 / bound:.2f} to"
            f" {bound:g} (ctr.calibration_bound)"
        )
    return ""


def drift_line(indices: dict[str, float], trained: float, newest: float, alarm: float) -> str:
    """One line for people: features that have moved, and the click-through then and now."""
    moved = sorted((name for name, value in indices.items() if value > alarm), key=lambda name: -indices[name])
    inputs = ", ".join(f"{name} {indices[name]:.2f}" for name in moved) or "none"
    return f"inputs moved (PSI > {alarm:g}): {inputs}; click-through {trained:.4f} → {newest:.4f}"
