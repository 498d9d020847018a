"""From DataFrames to the arrays of an artifact: one task takes the rows in order and writes them as they come.

Nothing passes through the driver but the number of rows; the task holds one batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.artifacts import Artifacts, Chunk

ToChunk = Callable[[pa.RecordBatch], Chunk]


def write_rows(
    frame: DataFrame, order: str, store: Artifacts, version: str, to_chunk: ToChunk, about: Mapping[str, Any]
) -> None:
    """`frame` in the order of the column `order`, each batch of it made arrays by `to_chunk`, as a version."""

    def written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = store.write(version, (to_chunk(batch) for batch in batches if batch.num_rows), about)
        yield pa.record_batch({"n": pa.array([max(rows.values(), default=0)], pa.int64())})

    frame.repartition(1).sortWithinPartitions(order).mapInArrow(written, "n bigint").agg(F.sum("n")).collect()


def write_matrix(frame: DataFrame, order: Sequence[str | Column], size: int, store: Artifacts, version: str) -> None:
    """`frame` (row, item, value, what to order by within a row) as `starts`, `items`, `values` of `size` rows."""

    def chunks(batches: Iterator[pa.RecordBatch]) -> Iterator[Chunk]:
        counts = np.zeros(size, np.int64)
        yield {"items": np.empty(0, np.int32), "values": np.empty(0, np.float32)}
        for batch in batches:
            counts += np.bincount(numbers(batch, "row"), minlength=size)
            values = numbers(batch, "value").astype(np.float32)
            yield {"items": numbers(batch, "item").astype(np.int32), "values": values}
        yield {"starts": np.concatenate([[0], np.cumsum(counts)])}

    def written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = store.write(version, chunks(batches))
        yield pa.record_batch({"n": pa.array([rows["items"]], pa.int64())})

    columns = frame.repartition(1).sortWithinPartitions(F.col("row"), *order).select("row", "item", "value")
    columns.mapInArrow(written, "n bigint").agg(F.sum("n")).collect()


def numbers(batch: pa.RecordBatch, name: str) -> npt.NDArray[Any]:
    """A column without nulls as a numpy array."""
    found: npt.NDArray[Any] = batch.column(name).to_numpy(zero_copy_only=False)
    return found


def vectors(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.float32]:
    """A column of lists of one length as a matrix."""
    flat = batch.column(name).flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float32).reshape(batch.num_rows, -1)


def lists(batch: pa.RecordBatch, name: str, dtype: Any) -> list[npt.NDArray[Any]]:
    """A column of lists as arrays, views of one."""
    column = batch.column(name)
    flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False), dtype)
    ends = np.cumsum(np.asarray(column.value_lengths().fill_null(0)))
    return np.split(flat, ends[:-1])
