"""What a model is judged on: it learns from the older actions and is asked for those that came after.

Everyone is asked for items that he had not acted on before. Users are judged by segment: `light` had acted on at most
`LIGHT_ITEMS` items, `heavy` on more; `new` ones had done nothing in the older part and are folded in from the first
half of their items, then asked for the rest. New items can be recommended by nobody, which counts against all alike.
"""

from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from batch.evaluate import K, Quality, by_segment, pooled, popular, without_seen
from batch.factors import Indexed, index
from batch.interactions import interactions
from batch.recommend import histories, ranked, recommend
from common.config import AlsConfig
from common.models.recommender import ModelStore

MAX_EVALUATED = 20_000  # users a segment; more say nothing new
MAX_SEEN = 1_000  # items; who has seen more is left out, as popularity is asked for that many more for everyone
LIGHT_ITEMS = 10
NEW = "new"

Segments = dict[str, Quality]


@dataclass(frozen=True)
class HeldOut:
    """`data` to learn from; `given` (`batch.recommend.histories`), `wanted` (user, item, segment) and `seen` (user,
    item) of those who are judged."""

    data: Indexed
    given: DataFrame
    wanted: DataFrame
    seen: DataFrame

    def judged(self, store: ModelStore, version: str, share: float | None = None) -> Segments:
        """Quality of a version that was trained on `data`, by segment."""
        return by_segment(ranked(recommend(self.given, store, version, K, share)), self.wanted)

    def popularity(self) -> Segments:
        """Quality of the most popular items, for the same users with the same exclusions."""
        most = self.seen.groupBy("user").count().agg(F.max("count")).collect()[0][0] or 0
        users = self.wanted.select("user").distinct()
        return by_segment(without_seen(popular(self.data.rows, users, K + int(most)), self.seen, K), self.wanted)

    def release(self) -> None:
        """Frees what was kept."""
        self.data.release()
        for frame in (self.given, self.wanted, self.seen):
            frame.unpersist()


def hold_out(older: DataFrame, newer: DataFrame, als: AlsConfig, as_of_ms: int) -> HeldOut:
    """From two parts of `batch.interactions.actions`."""
    data = index(interactions(older, als.half_life_days, as_of_ms))
    first, later = _halves(newer.join(older.select("user").distinct(), "user", "left_anti"))
    begun = interactions(newer.join(first, ["user", "item"], "left_semi"), als.half_life_days, as_of_ms)
    begun = begun.join(data.items.select(F.col("id").alias("item"), F.col("index").alias("item_index")), "item")
    relevant = newer.select("user", "item").distinct().join(data.rows, ["user", "item"], "left_anti")
    known = segments(data.rows, MAX_SEEN)
    asked = relevant.join(known, "user").union(later.join(begun, "user", "left_semi").withColumn("segment", F.lit(NEW)))
    columns = "user", "item", "item_index", "strength"
    return judged_on(data, data.rows.select(*columns).union(begun.select(*columns)), asked)


def judged_on(data: Indexed, had: DataFrame, asked: DataFrame, also_seen: DataFrame | None = None) -> HeldOut:
    """`had` (user, item, item_index, strength) is what users are folded in from and not asked for, nor for `also_seen`
    (user, item, item_index); `asked` is user, item, segment."""
    wanted = asked.join(_chosen(asked), "user", "left_semi").persist()
    had = had.join(wanted, "user", "left_semi")
    seen = had.select("user", "item", "item_index")
    seen = (seen if also_seen is None else seen.union(also_seen)).persist()
    return HeldOut(data, histories(had, seen).persist(), wanted, seen)


def known_users(parts: Segments) -> Quality:
    """Over all but the new ones."""
    return pooled(part for name, part in parts.items() if name != NEW)


def segments(rows: DataFrame, most: int | None = None) -> DataFrame:
    """`user, segment` of those who have `most` items at most."""
    counts = rows.groupBy("user").agg(F.count("*").alias("items"))
    if most is not None:
        counts = counts.where(F.col("items") <= most)
    segment = F.when(F.col("items") <= LIGHT_ITEMS, "light").otherwise("heavy").alias("segment")
    return counts.select("user", segment)


def _halves(actions: DataFrame) -> tuple[DataFrame, DataFrame]:
    """`user, item`: the first half of each user's items by when he first acted on them, and the rest."""
    pairs = actions.groupBy("user", "item").agg(F.min("event_time").alias("first"))
    order = Window.partitionBy("user").orderBy("first", "item")
    placed = pairs.withColumn("place", F.row_number().over(order))
    placed = placed.withColumn("half", F.floor(F.count("*").over(Window.partitionBy("user")) / 2))
    early = F.col("place") <= F.col("half")
    return placed.where(early).select("user", "item"), placed.where(~early).select("user", "item")


def _chosen(asked: DataFrame) -> DataFrame:
    """At most `MAX_EVALUATED` users a segment, by hash."""
    order = Window.partitionBy("segment").orderBy(F.xxhash64("user"), "user")
    numbered = asked.select("user", "segment").distinct().withColumn("n", F.row_number().over(order))
    return numbered.where(F.col("n") <= MAX_EVALUATED).select("user")
