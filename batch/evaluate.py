"""How good recommendations are on actions that the model has not seen: nDCG, recall and MRR at k.

In: `recommended` (user, item, rank from 1) and `relevant` (user, item). Out: one row a segment of users; nothing
that grows with users reaches the driver. With binary relevance, for a user with R relevant items:

- nDCG@k = Σ_{hits} 1/log2(rank + 1) ÷ Σ_{i=1…min(R, k)} 1/log2(i + 1)   (Järvelin and Kekäläinen 2002)
- recall@k = hits ÷ R
- MRR@k = 1 ÷ rank of the first hit, 0 without one                        (Voorhees 1999, TREC-8)

averaged over the users with a relevant item, those who got no recommendation counting as 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log2

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from batch.interactions import as_known

K = 10
ACCURACY = 100_000  # of the moment that splits the actions: off by at most this part of them


@dataclass(frozen=True)
class Quality:
    """Means over `users` users."""

    ndcg: float
    recall: float
    mrr: float
    users: int


def quality(recommended: DataFrame, relevant: DataFrame, k: int = K) -> Quality:
    """The three means at `k`."""
    everyone = relevant.select("user", "item", F.lit("all").alias("segment"))
    return pooled(by_segment(recommended, everyone, k).values())


def pooled(parts: Iterable[Quality]) -> Quality:
    """The means over the users of all parts; zeros over nobody."""
    weighed = [(part.ndcg * part.users, part.recall * part.users, part.mrr * part.users, part.users) for part in parts]
    users = sum(part[3] for part in weighed)
    ndcg, recall, mrr = (sum(part[n] for part in weighed) / users if users else 0.0 for n in range(3))
    return Quality(ndcg, recall, mrr, users)


def by_segment(recommended: DataFrame, relevant: DataFrame, k: int = K) -> dict[str, Quality]:
    """The three means of each segment; `relevant` has one more column, the user's `segment`. Segments are few."""
    hits = recommended.where(F.col("rank") <= k).join(relevant.select("user", "item"), ["user", "item"])
    of_hits = hits.groupBy("user").agg(
        F.sum(1 / F.log2(F.col("rank") + 1)).alias("dcg"),
        F.count("*").alias("hits"),
        F.min("rank").alias("first"),
    )
    counts = relevant.groupBy("user", "segment").agg(F.count("*").alias("relevant"))
    users = counts.join(of_hits, "user", "left")
    rows = users.groupBy("segment").agg(
        F.avg(F.coalesce(F.col("dcg") / _ideal("relevant", k), F.lit(0.0))).alias("ndcg"),
        F.avg(F.coalesce(F.col("hits") / F.col("relevant"), F.lit(0.0))).alias("recall"),
        F.avg(F.coalesce(1 / F.col("first"), F.lit(0.0))).alias("mrr"),
        F.count("*").alias("users"),
    )
    return {row["segment"]: Quality(row["ndcg"], row["recall"], row["mrr"], row["users"]) for row in rows.collect()}


def _ideal(column: str, k: int) -> Column:
    sums = [0.0]
    for rank in range(1, k + 1):
        sums.append(sums[-1] + 1 / log2(rank + 1))
    return F.element_at(F.array(*map(F.lit, sums)), F.least(F.col(column), F.lit(k)).cast("int") + 1)


def without_seen(scored: DataFrame, seen: DataFrame, k: int) -> DataFrame:
    """The best `k` of `scored` (user, item, score) that are not `seen` (user, item), with their rank."""
    new = scored.join(seen.select("user", "item"), ["user", "item"], "left_anti")
    order = Window.partitionBy("user").orderBy(F.col("score").desc(), "item")
    return new.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= k).select("user", "item", "rank")


def popular(train: DataFrame, users: DataFrame, n: int) -> DataFrame:
    """The `n` items with the most interested users in `train`, for each of `users`: user, item, score."""
    top = train.groupBy("item").agg(F.count("*").alias("score")).orderBy(F.col("score").desc(), "item").limit(n)
    return users.select("user").crossJoin(F.broadcast(top))


def split_by_time(rows: DataFrame, fraction: float) -> tuple[DataFrame, DataFrame]:
    """(older, newer): `actions` before and from the moment at which the newest `fraction` of them begins.

    The older ones are of whoever was known by then: a later login would say what no model could have learned.
    """
    moment = F.col("event_time").cast("double")
    cut = rows.agg(F.percentile_approx(moment, 1 - fraction, ACCURACY)).collect()[0][0]
    return as_known(rows.where(moment < cut), cut), rows.where(moment >= cut)
