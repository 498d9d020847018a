"""Implicit ALS on dense ids, and its factors under their real ids.

Hu, Koren and Volinsky 2008: preference 1 with confidence 1 + α·strength, everything unseen 0 with
confidence 1. Spark solves it on the executors; ids must fit 32 bits (`batch.interactions.MAX_IDS`).
"""

from dataclasses import dataclass

from pyspark.ml.recommendation import ALS, ALSModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch.interactions import dense_ids, indexed
from common.config import AlsConfig

SEED = 7
CHECKPOINT_INTERVAL = 5  # iterations after which the lineage is cut; needs a checkpoint folder


@dataclass(frozen=True)
class Indexed:
    """Strengths (`user_index, item_index, user, item, strength`) and the meaning of the ids: `users` and `items` are
    `id, index`. All three are kept in memory until `release`."""

    rows: DataFrame
    users: DataFrame
    items: DataFrame
    items_number: int

    def release(self) -> None:
        """Frees what was kept."""
        for frame in (self.rows, self.users, self.items):
            frame.unpersist()


def index(strengths: DataFrame) -> Indexed:
    """Numbers the users and items of `user, item, strength`."""
    users = dense_ids(strengths, "user").persist()
    items = dense_ids(strengths, "item").persist()
    rows = indexed(strengths, users, items).withColumn("strength", F.col("strength").cast("float")).persist()
    return Indexed(rows, users, items, items.count())


def fit(data: Indexed, als: AlsConfig) -> ALSModel:
    """Trains on the strengths."""
    blocks = max(2, data.rows.sparkSession.sparkContext.defaultParallelism)
    estimator = ALS(
        rank=als.rank,
        maxIter=als.iterations,
        regParam=als.regularization,
        alpha=als.alpha,
        implicitPrefs=True,
        nonnegative=False,
        seed=SEED,
        userCol="user_index",
        itemCol="item_index",
        ratingCol="strength",
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        coldStartStrategy="drop",
        checkpointInterval=CHECKPOINT_INTERVAL,
    )
    return estimator.fit(data.rows.select("user_index", "item_index", "strength"))


def user_factors(model: ALSModel, data: Indexed) -> DataFrame:
    """`user, index, features`: the factors and the id mapping in one."""
    return _named(model.userFactors, data.users, "user")


def item_factors(model: ALSModel, data: Indexed) -> DataFrame:
    """`item, index, features`."""
    return _named(model.itemFactors, data.items, "item")


def _named(factors: DataFrame, ids: DataFrame, name: str) -> DataFrame:
    right = factors.select(F.col("id").alias("index"), "features")
    return ids.join(right, "index").select(F.col("id").alias(name), "index", "features")


def use_checkpoints(spark: SparkSession, folder: str) -> None:
    """Without a checkpoint folder ALS never cuts its lineage and may overflow the stack."""
    spark.sparkContext.setCheckpointDir(folder)
