"""The item-item model on the executors: co-occurrences counted by Spark, a ridge system an item solved by numpy.

Co-occurrences are written as arrays that every task maps: a system needs the counts among all neighbours of an item,
which no join keeps small. The formula is in `common.models.item_item`.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from batch.arrays import numbers, write_matrix, write_rows
from batch.factors import Indexed
from common.artifacts import Artifacts
from common.config import ItemItemConfig
from common.models.item_item import Rows, weights

MOST_ITEMS = 2_000  # of a user, the strongest: pairs grow with the square of it
MOST_TOGETHER = 10  # times `neighbours`: co-occurrences kept an item, those nearest by cosine
WEIGHTS = "item int, row int, value float"


def item_item(data: Indexed, config: ItemItemConfig, work: Artifacts, version: str) -> DataFrame:
    """`item, row, value`: having the item `row` says `value` for `item` (dense ids). `work` keeps what tasks map under
    `version` until it is removed (`forget`)."""
    users = data.rows.groupBy(F.col("item_index").alias("item")).agg(F.count("*").alias("users"))
    near = nearest(co_occurrences(data.rows), users, MOST_TOGETHER * config.neighbours)
    write_matrix(near, [F.col("cosine").desc(), F.col("item")], data.items_number, work, version)
    counts = _counts(work)
    write_rows(users, "item", counts, version, lambda b: {"users": numbers(b, "users")}, {})
    k, regularization = config.neighbours, config.regularization

    def solved(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        together, of = Rows(**work.open(version).arrays), np.asarray(counts.open(version).arrays["users"])
        for batch in batches:
            for item in numbers(batch, "index"):
                items, values = weights(together, of, int(item), k, regularization)
                columns = [np.full(len(items), item, np.int32), items.astype(np.int32), values]
                yield pa.record_batch([pa.array(column) for column in columns], names=["item", "row", "value"])

    spread = data.items.select("index").repartition(4 * data.items.sparkSession.sparkContext.defaultParallelism)
    return spread.mapInArrow(solved, WEIGHTS)


def forget(work: Artifacts, version: str) -> None:
    """Removes what the tasks of `item_item` have mapped."""
    for store in (work, _counts(work)):
        store.remove(version)


def _counts(work: Artifacts) -> Artifacts:
    return Artifacts(work.root, f"{work.name}-users", work.cache)


def co_occurrences(rows: DataFrame) -> DataFrame:
    """`row, item, value`: users who have both, for both orders of each pair; of a user the `MOST_ITEMS` strongest."""
    order = Window.partitionBy("user_index").orderBy(F.col("strength").desc(), F.xxhash64("user_index", "item_index"))
    kept = rows.withColumn("n", F.row_number().over(order)).where(F.col("n") <= MOST_ITEMS)
    one = kept.select("user_index", F.col("item_index").alias("row"))
    other = kept.select("user_index", F.col("item_index").alias("item"))
    half = one.join(other, "user_index").where("row < item").groupBy("row", "item").agg(F.count("*").alias("value"))
    return half.union(half.select(F.col("item").alias("row"), F.col("row").alias("item"), "value"))


def nearest(together: DataFrame, users: DataFrame, most: int) -> DataFrame:
    """Of each row the `most` items with the largest cosine, value ÷ √(users of the one · users of the other)."""
    with_users = together.join(users, "item").join(
        users.select(F.col("item").alias("row"), F.col("users").alias("of_row")), "row"
    )
    cosine = F.col("value") / F.sqrt(F.col("users") * F.col("of_row").cast("double"))
    order = Window.partitionBy("row").orderBy(F.col("cosine").desc(), "item")
    ranked = with_users.withColumn("cosine", cosine).withColumn("n", F.row_number().over(order))
    return ranked.where(F.col("n") <= most).select("row", "item", "value", "cosine")


def named(found: DataFrame, items: DataFrame) -> DataFrame:
    """`item, neighbours` (item, weight; the heaviest first) under real ids, for the table of the model."""
    ids = items.select(F.col("index").alias("row"), F.col("id").alias("item"))
    others = items.select(F.col("index").alias("item"), F.col("id").alias("other"))
    pairs = found.join(others, "item").select("row", "other", "value").join(ids, "row")
    entry = F.struct((-F.col("value")).alias("minus"), "other", "value")
    ordered = F.array_sort(F.collect_list(entry))
    neighbours = F.transform(ordered, lambda e: F.struct(e["other"].alias("item"), e["value"].alias("weight")))
    return pairs.groupBy("item").agg(neighbours.alias("neighbours"))
