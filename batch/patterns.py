"""How each user browses and what they had to do with last, from their actions in the lake.

In: `user, event_id, event_type, event_time, item_id`, and `device` where the lake has it: actions on items that count
once. Visits, hours and counts are those before `until_ms`, from where on serving counts what the stream has
(`common.views.pattern`): the batch layer vouches up to there, and nothing counts twice. Items and device are the
newest of all.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.views.actions import MINUTE_MS
from common.views.pattern import GAP_MS

SETTLED_MS = 60 * MINUTE_MS  # the lake has everything that is as much older than its newest: a commit takes seconds
LAST = 20
# Event types that are an action on an item; an exposure is nothing the user did.
ACTIONS = ("view", "click", "cart_add", "cart_remove", "wish_add", "wish_remove", "purchase")
# Event type → the lists of items it belongs to.
LISTS = {
    "view": ("viewed",),
    "click": ("viewed",),
    "cart_add": ("viewed", "carted"),
    "wish_add": ("viewed", "wished"),
    "wish_remove": ("wished",),
    "purchase": ("bought",),
}
HOURS = 24


def until(as_of_ms: int) -> int:
    """Up to when the batch layer counts, epoch milliseconds of a minute, given the newest event's time."""
    return (as_of_ms - SETTLED_MS) // MINUTE_MS * MINUTE_MS


def patterns(rows: DataFrame, until_ms: int) -> DataFrame:
    """`user, pattern` (visits, visit_ms: their length in all, last_ms, hours: 24 counts, counts: by `ACTIONS`, device,
    device_ms)."""
    device = F.col("device") if "device" in rows.columns else F.lit(None).cast("string")
    ms = F.unix_millis("event_time").alias("ms")
    known = rows.select("user", "event_id", "event_type", ms, device.alias("device"))
    gap = F.col("ms") - F.lag("ms").over(Window.partitionBy("user").orderBy("ms"))
    early = F.col("ms") < until_ms
    hour = F.pmod(F.floor(F.col("ms") / 3_600_000), F.lit(HOURS))
    named = F.struct((-F.col("ms")).alias("age"), "event_id", "device")
    counted = known.withColumn("gap", gap).groupBy("user")
    found = counted.agg(
        F.count_if(early & F.coalesce(F.col("gap") > GAP_MS, F.lit(True))).alias("visits"),
        F.coalesce(F.sum(F.when(early & (F.col("gap") <= GAP_MS), F.col("gap"))), F.lit(0)).alias("visit_ms"),
        F.max(F.when(early, F.col("ms"))).alias("last_ms"),
        F.array(*[F.count_if(early & (hour == n)) for n in range(HOURS)]).alias("hours"),
        F.array(*[F.count_if(early & (F.col("event_type") == kind)) for kind in ACTIONS]).alias("counts"),
        F.min(F.when(F.col("device").isNotNull(), named)).alias("newest"),
    )
    parts = [F.col(name) for name in ("visits", "visit_ms", "last_ms", "hours", "counts")]
    parts += [F.col("newest.device").alias("device"), (-F.col("newest.age")).alias("device_ms")]
    return found.select("user", F.struct(*parts).alias("pattern"))


def last_items(rows: DataFrame) -> DataFrame:
    """`user, last`: array of list, item, ms, the `LAST` newest items of each list; wished: what still is."""
    ms = F.unix_millis("event_time").alias("ms")
    each = rows.select("user", F.col("item_id").alias("item"), "event_type", ms, F.explode(_lists()).alias("list"))
    newest = each.groupBy("user", "list", "item").agg(F.max(F.struct("ms", "event_type")).alias("newest"))
    standing = newest.where("newest.event_type <> 'wish_remove'").select("user", "list", "item", "newest.ms")
    order = Window.partitionBy("user", "list").orderBy(F.desc("ms"), "item")
    few = standing.withColumn("n", F.row_number().over(order)).where(F.col("n") <= LAST)
    return few.groupBy("user").agg(F.array_sort(F.collect_list(F.struct("list", "n", "item", "ms"))).alias("last"))


def _lists() -> Column:
    """The names of the lists that the row's event type belongs to."""
    chosen = F.array().cast("array<string>")
    for kind, names in LISTS.items():
        chosen = F.when(F.col("event_type") == kind, F.array(*map(F.lit, names))).otherwise(chosen)
    return chosen
