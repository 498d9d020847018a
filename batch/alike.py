"""Items whose ALS factors point the same way, worked out on the executors.

In: `item, index, features` (Delta `als_item_factors` of one version). All pairs are compared block by block: a task
multiplies two blocks of `BLOCK` items and keeps the nearest of each item; nothing is collected on the driver. n items
are (n / BLOCK)² such multiplications.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

BLOCK = 4096
NEAREST = "item string, other string, als double"


def nearest(factors: DataFrame, n: int) -> DataFrame:
    """`item, other, als`: the `n` items nearest to each, by cosine; only positive ones."""
    block = F.floor(F.col("index") / BLOCK).alias("block")
    rows = factors.select(
        block, F.struct("item", F.col("features").cast("array<float>").alias("features")).alias("row")
    )
    blocks = rows.groupBy("block").agg(F.collect_list("row").alias("rows")).select("rows")
    pairs = blocks.crossJoin(blocks.withColumnRenamed("rows", "others"))

    def best(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for place in range(batch.num_rows):
                pair = batch.slice(place, 1).to_pylist()[0]
                yield _nearest(pair["rows"], pair["others"], n)

    order = Window.partitionBy("item").orderBy(F.desc("als"), "other")
    ranked = pairs.mapInArrow(best, NEAREST).withColumn("place", F.row_number().over(order))
    return ranked.where(F.col("place") <= n).drop("place")


def _nearest(rows: list[dict[str, Any]], others: list[dict[str, Any]], n: int) -> pa.RecordBatch:
    """The `n` nearest of `others` to each of `rows`."""
    items, names = (np.array([one["item"] for one in part], object) for part in (rows, others))
    cosines = _unit(rows) @ _unit(others).T
    cosines[items[:, None] == names[None, :]] = -1.0
    most = min(n, len(others))
    places = np.argpartition(-cosines, most - 1, axis=1)[:, :most]
    values = np.take_along_axis(cosines, places, axis=1)
    keep = values > 0
    left = np.broadcast_to(items[:, None], places.shape)[keep]
    columns = [
        pa.array(left, pa.string()),
        pa.array(names[places][keep], pa.string()),
        pa.array(values[keep].astype(float)),
    ]
    return pa.record_batch(columns, ["item", "other", "als"])


def _unit(rows: list[dict[str, Any]]) -> Any:
    factors = np.array([one["features"] for one in rows], np.float32)
    lengths = np.linalg.norm(factors, axis=1, keepdims=True)
    return factors / np.where(lengths > 0, lengths, 1.0)


def cosine(left: Column, right: Column) -> Column:
    """Cosine of two arrays of numbers; null where either is null or has no length."""
    lengths = F.sqrt(_dot(left, left) * _dot(right, right))
    return F.when(lengths > 0, _dot(left, right) / lengths)


def _dot(left: Column, right: Column) -> Column:
    products = F.zip_with(left, right, lambda x, y: x.cast("double") * y.cast("double"))
    return F.aggregate(products, F.lit(0.0), lambda total, part: total + part)
