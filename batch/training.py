"""One training: ALS and, where it has a share in the score, the item-item model, written as a version of the arrays.

Nothing that grows with users or items passes through the driver.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.ml.recommendation import ALSModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.arrays import vectors, write_matrix, write_rows
from batch.factors import Indexed, fit, item_factors
from batch.item_item import forget, item_item
from common.artifacts import Artifacts, Chunk
from common.config import AlsConfig
from common.models.recommender import ModelStore


@dataclass(frozen=True)
class Trained:
    """What a training leaves besides its arrays; `weights` (item, row, value): of the item-item model, if any."""

    model: ALSModel
    weights: DataFrame | None

    def release(self) -> None:
        """Frees what was kept."""
        if self.weights is not None:
            self.weights.unpersist()


def train(data: Indexed, als: AlsConfig, store: ModelStore, version: str) -> Trained:
    """Trains on `data`; afterwards `store` has the version."""
    found = train_item_item(data, als, store, version) if als.share < 1 else None
    return Trained(train_als(data, als, store, version), found)


def train_als(data: Indexed, als: AlsConfig, store: ModelStore, version: str) -> ALSModel:
    """ALS alone."""
    model = fit(data, als)
    factors = item_factors(model, data)
    width = data.items.agg(F.max(F.octet_length("id"))).collect()[0][0]

    def chunk(batch: pa.RecordBatch) -> Chunk:
        names = [str(name).encode() for name in batch.column("item").to_pylist()]
        return {"ids": np.array(names, f"S{width}"), "factors": vectors(batch, "features")}

    about = {"alpha": als.alpha, "regularization": als.regularization, "share": als.share}
    write_rows(factors, "index", store.factors, version, chunk, about)
    return model


def train_item_item(data: Indexed, als: AlsConfig, store: ModelStore, version: str) -> DataFrame:
    """The item-item model alone; its weights are kept until they are unpersisted."""
    work = Artifacts(store.item_item.root, "together", store.item_item.cache)
    found = item_item(data, als.item_item, work, version).persist(StorageLevel.MEMORY_AND_DISK)
    write_matrix(found, [F.col("item")], data.items_number, store.item_item, version)
    forget(work, version)
    return found
