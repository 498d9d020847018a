"""Implicit ALS on dense ids, and what comes out of it: factors and recommendations under their real ids.

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
class Trained:
    """A model with the meaning of its ids: `users` and `items` are `id, index`."""

    model: ALSModel
    users: DataFrame
    items: DataFrame

    def release(self) -> None:
        """Frees what was kept in memory for it."""
        self.users.unpersist()
        self.items.unpersist()


def fit(strengths: DataFrame, als: AlsConfig) -> Trained:
    """Trains on `user, item, strength`."""
    users = dense_ids(strengths, "user").persist()
    items = dense_ids(strengths, "item").persist()
    ratings = indexed(strengths, users, items).select("user_index", "item_index", F.col("strength").cast("float"))
    blocks = max(2, strengths.sparkSession.sparkContext.defaultParallelism)
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
    return Trained(estimator.fit(ratings), users, items)


def recommend(trained: Trained, n: int, users: DataFrame | None = None) -> DataFrame:
    """`user, item, score`: the best `n` items of everyone, or of the `user`s given; nothing is excluded."""
    if users is None:
        best = trained.model.recommendForAllUsers(n)
    else:
        some = trained.users.join(users.select(F.col("user").alias("id")), "id", "left_semi")
        best = trained.model.recommendForUserSubset(some.select(F.col("index").alias("user_index")), n)
    rows = best.select("user_index", F.explode("recommendations").alias("r"))
    by_index = rows.select("user_index", F.col("r.item_index").alias("item_index"), F.col("r.rating").alias("score"))
    user_ids = trained.users.select(F.col("index").alias("user_index"), F.col("id").alias("user"))
    item_ids = trained.items.select(F.col("index").alias("item_index"), F.col("id").alias("item"))
    return by_index.join(user_ids, "user_index").join(item_ids, "item_index").select("user", "item", "score")


def candidate_lists(scored: DataFrame, excluded: DataFrame, n: int) -> DataFrame:
    """`user, items`: each user's best `n` of `scored` that are not `excluded` (user, item), best first."""
    left = scored.join(excluded.select("user", "item"), ["user", "item"], "left_anti")
    entry = F.struct((-F.col("score")).alias("minus"), "item", F.col("score").cast("float").alias("score"))
    ordered = F.slice(F.array_sort(F.collect_list(entry)), 1, n)
    items = F.transform(ordered, lambda e: F.struct(e["item"].alias("item"), e["score"].alias("score")))
    return left.groupBy("user").agg(items.alias("items"))


def user_factors(trained: Trained) -> DataFrame:
    """`user, index, features`: the factors and the id mapping in one."""
    return _named(trained.model.userFactors, trained.users, "user")


def item_factors(trained: Trained) -> DataFrame:
    """`item, index, features`."""
    return _named(trained.model.itemFactors, trained.items, "item")


def _named(factors: DataFrame, ids: DataFrame, name: str) -> DataFrame:
    right = factors.select(F.col("id").alias("index"), "features")
    return ids.join(right, "index").select(F.col("id").alias(name), "index", "features")


def use_checkpoints(spark: SparkSession, folder: str) -> None:
    """Without a checkpoint folder ALS never cuts its lineage and may overflow the stack."""
    spark.sparkContext.setCheckpointDir(folder)
