"""All facts in one aggregation: an event becomes a row for each fact it counts in, and rows are summed.

The stream runs this once for all facts (one parse, one state store); the batch layer runs the same function
over the lake. Only built-in operators, so that nothing leaves the JVM.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.events import COUNTS
from common.facts.window import MINUTE

ITEM = "item"
USER = "user"
QUERY = "query"
MONEY_SCALE = 10_000
MOST = 2**63 - 1  # what a sum stands at that no longer fits: wrong, but no reason to stop the query
TASTE_TYPES = ("view", "click", "cart_add", "cart_remove", "wish_add", "wish_remove", "purchase")
ITEM_TYPES = ("view", "click", "exposure", "cart_add", "wish_add", "purchase", "refund")


def aggregate(events: DataFrame, facts: tuple[str, ...] = (ITEM, USER, QUERY)) -> DataFrame:
    """Minute facts of valid, once-only events.

    In: the columns of `common.sources.parse`. Out: `fact`, `category`, `key`, `user`, `window_start`, the counts of
    `COUNTS`, `units`, `revenue` and `refunded` (integers in ten-thousandths of the currency, so that sums do not
    depend on their order), `last_ms` (newest event time), `price` (the highest seen).

    | fact | category | key | user |
    |---|---|---|---|
    | item: what happened to an item | its category or '' | item | '' |
    | user: what somebody did with an item | its category or '' | item | user_id, else session_id |
    | query: who searched for what, and clicked after it | '' | text as typed | user_id, else session_id |

    Exposures and searches are many and say little about taste: a user's stand together under key ''. Text becomes a
    keyword in Python, where NFKC is (docs/adr/0010). Every aggregate is a number that Spark changes in place: nothing
    here is sorted or collected.
    """
    rows = F.array(*[_row(fact) for fact in facts])
    exploded = events.select("event_time", "event_type", "price", *_amounts(), F.explode(rows).alias("row")).filter(
        F.col("row").isNotNull()
    )
    counted = exploded.select(
        "event_time",
        "row.*",
        *[(F.col("event_type") == name).cast("long").alias(column) for name, column in COUNTS.items()],
        "units",
        "revenue",
        "refunded",
        F.unix_millis("event_time").alias("ms"),
        F.when((F.col("row.fact") == USER) & (F.col("row.key") != ""), F.col("price")).alias("price"),
    )
    grouped = counted.groupBy("fact", "category", "key", "user", F.window("event_time", MINUTE)).agg(
        *[F.sum(name).alias(name) for name in (*COUNTS.values(), "units")],
        *[F.coalesce(F.try_sum(name), F.lit(MOST)).alias(name) for name in ("revenue", "refunded")],
        F.max("ms").alias("last_ms"),
        F.max("price").alias("price"),
    )
    return grouped.withColumn("window_start", F.col("window.start")).drop("window")


def _row(fact: str) -> Column:
    """The row an event gives to a fact, null where it does not count there."""
    category, item, user = F.coalesce("category", F.lit("")), F.col("item_id"), F.coalesce("user_id", "session_id")
    nothing = F.lit("")
    if fact == ITEM:
        applies = F.col("event_type").isin(*ITEM_TYPES) & item.isNotNull()
        return F.when(applies, _key(ITEM, category, item, nothing))
    if fact == QUERY:
        applies = F.col("event_type").isin("search", "click") & F.col("query").isNotNull()
        return F.when(applies, _key(QUERY, nothing, F.col("query"), user))
    acted = F.col("event_type").isin(*TASTE_TYPES) & item.isNotNull()
    other = F.col("event_type").isin("exposure", "search")
    return F.when(acted, _key(USER, category, item, user)).when(other, _key(USER, nothing, nothing, user))


def _key(fact: str, category: Column, key: Column, user: Column) -> Column:
    return F.struct(F.lit(fact).alias("fact"), category.alias("category"), key.alias("key"), user.alias("user"))


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
