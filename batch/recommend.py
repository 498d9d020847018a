"""Recommendations for many users: every task maps the model's arrays and scores its users as serving does.

Users are folded in from their strengths (`common.models.recommender`), so those that the training did not know are
no case of their own, and what was written is what is judged.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.arrays import lists
from common.models.recommender import History, ModelStore, Recommender

SCHEMA = "user string, items array<struct<item: string, score: float>>"
ENTRY = pa.list_(pa.struct([("item", pa.string()), ("score", pa.float32())]))


def histories(rows: DataFrame, excluded: DataFrame) -> DataFrame:
    """`user, places, strengths, excluded` of `rows` (user, item_index, strength) without the items of `excluded` (user,
    item_index). Users of `rows` only."""
    of_user = rows.groupBy("user").agg(
        F.collect_list("item_index").alias("places"),
        F.collect_list(F.col("strength").cast("double")).alias("strengths"),
    )
    left_out = excluded.groupBy("user").agg(F.collect_set("item_index").alias("excluded"))
    none = F.array().cast("array<int>")
    return of_user.join(left_out, "user", "left").withColumn("excluded", F.coalesce("excluded", none))


def recommend(given: DataFrame, store: ModelStore, version: str, n: int, share: float | None = None) -> DataFrame:
    """`user, items` (item, score): the best `n` items of each of `histories`, best first. `share`: see `ModelStore`."""

    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        model = store.open(version, share)
        for batch in batches:
            if batch.num_rows:
                items = [_entries(model, found) for found in model.best(_histories(batch), n)]
                yield pa.record_batch([batch.column("user"), pa.array(items, ENTRY)], names=["user", "items"])

    return given.mapInArrow(scored, SCHEMA)


def _entries(model: Recommender, found: tuple[np.ndarray, np.ndarray]) -> list[dict[str, object]]:
    places, scores = found
    return [{"item": item, "score": s} for item, s in zip(model.names(places), scores.tolist(), strict=True)]


def _histories(batch: pa.RecordBatch) -> list[History]:
    places, excluded = (lists(batch, name, np.int64) for name in ("places", "excluded"))
    strengths = lists(batch, "strengths", np.float64)
    return [History(*one) for one in zip(places, strengths, excluded, strict=True)]


def ranked(recommended: DataFrame) -> DataFrame:
    """`user, item, rank` from 1, of `recommend`."""
    entries = recommended.select("user", F.posexplode("items").alias("place", "entry"))
    return entries.select("user", F.col("entry.item").alias("item"), (F.col("place") + 1).alias("rank"))
