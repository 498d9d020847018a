"""All facts in one aggregation: an event becomes a row for each fact it counts in, and rows are summed.

The stream runs this once for all facts (one parse, one state store); the batch layer runs the same function
over the lake. Only built-in operators, so that nothing leaves the JVM.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.facts.window import MINUTE

ITEM = "item"
USER = "user"
QUERY = "query"
COUNTS = {
    "view": "views",
    "click": "clicks",
    "exposure": "exposures",
    "cart_add": "carts",
    "wish_add": "wishes",
    "purchase": "purchases",
    "search": "searches",
    "refund": "refunds",
}
MONEY_SCALE = 10_000
MOST = 2**63 - 1  # what a sum stands at that no longer fits: wrong, but no reason to stop the query
# Exposures are many and say little about taste; they count, but do not crowd out what the user did.
TASTE_TYPES = ("view", "click", "cart_add", "cart_remove", "wish_add", "wish_remove", "purchase")
ITEM_TYPES = ("view", "click", "exposure", "cart_add", "wish_add", "purchase", "refund")


def aggregate(events: DataFrame, actions_kept: int, facts: tuple[str, ...] = (ITEM, USER, QUERY)) -> DataFrame:
    """Minute facts of valid, once-only events.

    In: the columns of `common.sources.parse`. Out: `fact` ('item', 'user' or 'query'), `category`, `key`,
    `window_start`, the counts of `COUNTS`, `units`, `revenue` and `refunded` (integers in ten-thousandths of
    the currency, so that sums do not depend on their order), `actions` (newest first, at most
    `actions_kept`; null for items). A query's key is the text as it was typed, its `category` who searched, so
    that people can be told apart: text becomes a keyword in Python, where NFKC is (docs/adr/0010).
    """
    rows = F.array(*[_row(fact) for fact in facts])
    exploded = events.select(
        "event_time", "event_type", *_amounts(), _action().alias("action"), F.explode(rows).alias("row")
    ).filter(F.col("row").isNotNull())
    counted = exploded.select(
        "event_time",
        "row.*",
        *[(F.col("event_type") == name).cast("long").alias(column) for name, column in COUNTS.items()],
        "units",
        "revenue",
        "refunded",
        F.when(F.col("row.fact") == USER, F.col("action")).alias("action"),
    )
    newest = F.struct("action.event_time_ms", "action.event_id")
    grouped = counted.groupBy("fact", "category", "key", F.window("event_time", MINUTE)).agg(
        *[F.sum(name).alias(name) for name in (*COUNTS.values(), "units")],
        *[F.coalesce(F.try_sum(name), F.lit(MOST)).alias(name) for name in ("revenue", "refunded")],
        F.max_by("action", F.when(F.col("action").isNotNull(), newest), actions_kept).alias("actions"),
    )
    return grouped.withColumn("window_start", F.col("window.start")).drop("window")


def _row(fact: str) -> Column:
    """The row an event gives to a fact, null where it does not count there."""
    category = F.coalesce("category", F.lit(""))
    if fact == ITEM:
        applies = F.col("event_type").isin(*ITEM_TYPES) & F.col("item_id").isNotNull()
        return F.when(applies, _key(ITEM, category, F.col("item_id")))
    if fact == QUERY:
        applies = (F.col("event_type") == "search") & F.col("query").isNotNull()
        return F.when(applies, _key(QUERY, F.coalesce("user_id", "session_id"), F.col("query")))
    applies = F.col("event_type").isin(*TASTE_TYPES, "exposure", "search")
    return F.when(applies, _key(USER, F.lit(""), F.coalesce("user_id", "session_id")))


def _key(fact: str, category: Column, key: Column) -> Column:
    return F.struct(F.lit(fact).alias("fact"), category.alias("category"), key.alias("key"))


def _amounts() -> list[Column]:
    amount = F.coalesce(F.round(F.col("price") * F.coalesce("quantity", F.lit(1)) * MONEY_SCALE).cast("long"), F.lit(0))
    bought = F.col("event_type") == "purchase"
    units = F.when(bought, F.coalesce("quantity", F.lit(1))).otherwise(0).cast("long")
    zero = F.lit(0).cast("long")
    return [
        units.alias("units"),
        F.when(bought, amount).otherwise(zero).alias("revenue"),
        F.when(F.col("event_type") == "refund", amount).otherwise(zero).alias("refunded"),
    ]


def _action() -> Column:
    fields = F.struct(
        F.unix_millis("event_time").alias("event_time_ms"),
        "event_id",
        "event_type",
        "item_id",
        F.coalesce("category", F.lit("")).alias("category"),
        "price",
    )
    return F.when(F.col("event_type").isin(*TASTE_TYPES), fields)
