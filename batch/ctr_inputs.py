"""What is known at each moment, for the click-through model: everything strictly before it, nothing after.

In: events (lake schema) that count once, changes of the catalogue. All is done by windows over sorted rows: the rows
asked for are sorted in among the rows that are counted, and each looks back. Formulas: `common.views.ctr_features`.
"""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

from common.facts.aggregate import ITEM_TYPES
from common.facts.item import item_facts
from common.sources.catalog_order import complete
from common.views.ctr_features import ACTED, DAY_MINUTES, HOUR_MINUTES, MINUTE_MS
from common.views.decay import minute_of

Sums = Mapping[str, tuple[str, int | None]]  # column → (measure, minutes back; None: as far as there is)
PRODUCT = ("brand", "style", "launch_date")
ITEM_SUMS = {
    f"{measure}_{name}": (measure, minutes)
    for name, minutes in (("hour", HOUR_MINUTES), ("day", DAY_MINUTES))
    for measure in ("views", "clicks", "exposures")
}
CATEGORY_SUMS: Sums = {
    "category_clicks": ("clicks", DAY_MINUTES),
    "category_exposures": ("exposures", DAY_MINUTES),
    "log_prices": ("log_prices", None),
    "priced": ("priced", None),
}
SHOP_SUMS: Sums = {"shop_clicks": ("clicks", DAY_MINUTES), "shop_exposures": ("exposures", DAY_MINUTES)}


def timeline(events: DataFrame, late_minutes: int) -> DataFrame:
    """Exposures and actions: `event_id, user, time_ms, event_type, item_id, category, price, surface, position, until`,
    `until` being the minute before which facts are settled."""
    kept = events.where(F.col("event_type").isin("exposure", *ACTED) & F.col("item_id").isNotNull())
    time_ms = F.unix_millis("event_time")
    return kept.select(
        "event_id",
        F.coalesce("user_id", "session_id").alias("user"),
        time_ms.alias("time_ms"),
        "event_type",
        "item_id",
        F.coalesce("category", F.lit("")).alias("category"),
        F.when(F.col("price") > 0, F.col("price")).otherwise(0.0).alias("price"),
        F.coalesce("surface", F.lit("")).alias("surface"),
        F.col("position").cast("double").alias("position"),
        (F.floor(time_ms / MINUTE_MS) - late_minutes).cast("long").alias("until"),
    ).where("user is not null")


def with_product(rows: DataFrame, changes: DataFrame | None) -> DataFrame:
    """`rows` (item_id, time_ms, …) with brand, style and launch date as the newest change before left them."""
    if changes is None:
        return rows.select("*", *[F.lit(None).cast("string").alias(name) for name in PRODUCT])
    at = F.coalesce("ts_ms", F.unix_millis("ingest_time")).alias("time_ms")
    whole = complete(changes).where("op is null or op <> 'd'")  # a delete may name the id alone
    known = [F.when(~F.array_contains("unavailable", name), F.struct(name)).alias(f"_{name}") for name in PRODUCT]
    changed = whole.select("item_id", at, "lsn_text", *known)
    both = rows.withColumn("asked", F.lit(True)).unionByName(changed, allowMissingColumns=True)
    order = Window.partitionBy("item_id").orderBy("time_ms", F.coalesce(F.length("lsn_text"), F.lit(0)), "lsn_text")
    before = order.rowsBetween(Window.unboundedPreceding, -1)
    newest = {f"_{name}": F.last(f"_{name}", ignorenulls=True).over(before) for name in PRODUCT}
    found = both.withColumns(newest).where("asked")
    return found.select(*rows.columns, *[F.col(f"_{name}.{name}").alias(name) for name in PRODUCT])


def with_counts(rows: DataFrame, events: DataFrame) -> DataFrame:
    """`rows` (category, item_id, until, …) with the columns of `ITEM_SUMS`, `CATEGORY_SUMS` and `SHOP_SUMS`."""
    items = item_facts(events).withColumn("minute", minute_of(F.col("window_start")))
    categories = category_minutes(events)
    shop = categories.withColumn("shop", F.lit("")).groupBy("shop", "minute")
    whole = shop.agg(F.sum("clicks").alias("clicks"), F.sum("exposures").alias("exposures"))
    rows = joined(rows, items, ["category", "item_id"], ITEM_SUMS)
    rows = joined(rows, categories, ["category"], CATEGORY_SUMS)
    return joined(rows.withColumn("shop", F.lit("")), whole, ["shop"], SHOP_SUMS).drop("shop")


def category_minutes(events: DataFrame) -> DataFrame:
    """`category, minute, clicks, exposures, priced, log_prices`: counts, and the logs of the prices above 0 summed."""
    kept = events.where(F.col("event_type").isin(*ITEM_TYPES) & F.col("item_id").isNotNull())
    price = F.when((F.col("price") > 0) & F.col("event_type").isin("exposure", *ACTED), F.col("price"))
    minute = minute_of(F.col("event_time")).alias("minute")
    return kept.groupBy(F.coalesce("category", F.lit("")).alias("category"), minute).agg(
        _count("click").alias("clicks"),
        _count("exposure").alias("exposures"),
        F.count(price).alias("priced"),
        F.coalesce(F.sum(F.log(price)), F.lit(0.0)).alias("log_prices"),
    )


def category_prices(events: DataFrame, until: int) -> dict[str, float]:
    """Mean log price by category of everything before the minute `until`; grows with categories only."""
    known = category_minutes(events).where(F.col("minute") < until).groupBy("category")
    mean = F.sum("log_prices") / F.nullif(F.sum("priced"), F.lit(0))
    rows = known.agg(mean.alias("mean")).where("mean is not null").collect()
    return {row["category"]: float(row["mean"]) for row in rows}


def joined(rows: DataFrame, facts: DataFrame, by: Sequence[str], sums: Sums) -> DataFrame:
    """`rows` (by, until, …) with `sums` of `facts` (by, minute, measures) over the minutes before `until`."""
    asked = rows.select(*by, "until").distinct()
    return rows.join(sums_before(facts, asked, by, sums), [*by, "until"])


def sums_before(facts: DataFrame, asked: DataFrame, by: Sequence[str], sums: Sums) -> DataFrame:
    """`asked` (by, until) with each of `sums`: what `facts` has in the minutes [until − minutes, until)."""
    measures = sorted({measure for measure, _ in sums.values()})
    counted = facts.select(*by, "minute", *measures)
    questions = asked.select(*by, F.col("until").alias("minute"), F.lit(True).alias("asked"))
    order = Window.partitionBy(*by).orderBy("minute")
    both = counted.unionByName(questions, allowMissingColumns=True)
    found = [_back(measure, minutes, order).alias(name) for name, (measure, minutes) in sums.items()]
    answered = both.select(*by, F.col("minute").alias("until"), "asked", *found)
    return answered.where("asked").drop("asked")


def _back(measure: str, minutes: int | None, order: WindowSpec) -> Column:
    start = Window.unboundedPreceding if minutes is None else -minutes
    return F.coalesce(F.sum(measure).over(order.rangeBetween(start, -1)), F.lit(0)).cast("double")


def _count(event_type: str) -> Column:
    return F.count_if(F.col("event_type") == event_type)
