"""Trains the click-through model: a logistic regression of Spark ML on buckets, calibrated on newer exposures.

In: rows of `batch.ctr_exposures` (label, surface, x). The buckets are found by `common.models.ctr.Bins`, the code that
serves; Spark gets them as sparse vectors of ones. L2 pulls a bucket that was seldom seen towards 0, the mean of all.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.linalg import SparseVector, Vectors, VectorUDT
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.config_models import CtrConfig
from common.models.ctr import MOST_SURFACES, Bins, Floats, Scorecard, bins_of, surface_codes
from common.views.ctr_features import FEATURES, NAMES, SURFACE

TENTHS = [n / 10 for n in range(1, 10)]
ACCURACY = 0.001
ITERATIONS = 100
SCORED = "label int, margin double"
PREDICTED = "event_id string, label int, p double, deeds int"

Batches = Iterator[pa.RecordBatch]


def fit(older: DataFrame, middle: DataFrame, config: CtrConfig, version: str) -> Scorecard:
    """Weights from `older`, calibration from `middle`."""
    surfaces = commonest(older)
    bins = bins_of(tenths(older), len(surfaces))
    vector = F.udf(lambda places: SparseVector(bins.size, dict.fromkeys(places, 1.0)), VectorUDT())
    placed = older.mapInArrow(_placed(bins, surfaces), "label int, places array<bigint>")
    rows = placed.select(F.col("label").cast("double").alias("label"), vector("places").alias("features")).persist()
    try:
        model = LogisticRegression(maxIter=ITERATIONS, regParam=config.regularization, standardization=False).fit(rows)
    finally:
        rows.unpersist()
    weights = np.asarray(model.coefficients.toArray(), float)
    card = Scorecard(version, bins, weights, float(model.intercept), 1.0, 0.0, surfaces)
    slope, offset = platt(margins(middle, card))
    return replace(card, slope=slope, offset=offset)


def commonest(rows: DataFrame) -> tuple[str, ...]:
    """The surfaces with the most exposures."""
    counted = rows.groupBy("surface").count().orderBy(F.col("count").desc(), "surface")
    return tuple(row["surface"] for row in counted.limit(MOST_SURFACES).collect())


def tenths(rows: DataFrame) -> dict[str, list[float]]:
    """The tenths of every feature without edges of its own; what is unknown is left out."""
    learned = [n for n, feature in enumerate(FEATURES) if feature.edges is None and n != SURFACE]
    columns = rows.select(*[F.get("x", F.lit(n)).alias(NAMES[n]) for n in learned])
    found = columns.approxQuantile(columns.columns, TENTHS, ACCURACY)
    return dict(zip(columns.columns, found, strict=True))


def platt(scored: DataFrame) -> tuple[float, float]:
    """Slope and offset that make the margins of `scored` (label, margin) log-odds (Platt 1999)."""
    vector = F.udf(lambda margin: Vectors.dense(margin), VectorUDT())
    rows = scored.select(F.col("label").cast("double").alias("label"), vector("margin").alias("features"))
    model = LogisticRegression(maxIter=ITERATIONS, regParam=0.0).fit(rows)
    return float(model.coefficients[0]), float(model.intercept)


def margins(rows: DataFrame, card: Scorecard) -> DataFrame:
    """`label, margin`: log-odds before the calibration."""

    def score(batches: Batches) -> Batches:
        for batch in batches:
            scored = card.margins(coded(batch, card.surfaces))
            yield pa.record_batch([batch["label"], pa.array(scored, pa.float64())], ["label", "margin"])

    return rows.select("label", "surface", "x").mapInArrow(score, SCORED)


def predicted(rows: DataFrame, card: Scorecard) -> DataFrame:
    """`event_id, label, p, deeds`: calibrated chances."""

    def score(batches: Batches) -> Batches:
        for batch in batches:
            p = card.probabilities(coded(batch, card.surfaces))
            kept = [batch["event_id"], batch["label"], pa.array(p, pa.float64()), batch["deeds"]]
            yield pa.record_batch(kept, ["event_id", "label", "p", "deeds"])

    return rows.select("event_id", "label", "surface", "x", "deeds").mapInArrow(score, PREDICTED)


def coded(batch: pa.RecordBatch, surfaces: tuple[str, ...]) -> Floats:
    """The matrix of a batch with its surfaces as numbers."""
    values = batch["x"].flatten().to_numpy(zero_copy_only=False)
    x = np.array(values, float).reshape(batch.num_rows, len(FEATURES))
    x[:, SURFACE] = surface_codes(surfaces, batch["surface"].to_pylist())
    return x


def _placed(bins: Bins, surfaces: tuple[str, ...]) -> Callable[[Batches], Batches]:
    def rows(batches: Batches) -> Batches:
        for batch in batches:
            places = bins.places(coded(batch, surfaces)).tolist()
            kept = [batch["label"], pa.array(places, pa.list_(pa.int64()))]
            yield pa.record_batch(kept, ["label", "places"])

    return rows
