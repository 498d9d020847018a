"""How strongly each user is interested in each item, from the events of the lake, and dense ids for both.

In: events (lake schema). Out: `user, item, strength` with
strength = Σ weight(action) · 2^(−age / half-life), age counted from the newest event rather than from
now, so that the same table version gives the same model.

A user is `user_id`, else the one user of the session (`at_login`), else `session_id`; an anonymous session with a
single item says nothing about which items go together and is left out. An event counts once however often it was
sent. Quantities do not multiply (a wholesaler's 1,000 pieces are one decision), and a refund reduces nothing: whoever
sends a dress back was interested in dresses.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.config import Action
from common.facts.once import once_in_batch

SECONDS_A_DAY = 86_400.0
MAX_IDS = 2**31 - 1  # Spark's ALS takes 32-bit ids


def user_key() -> Column:
    """Whose action it was: the user, else the session."""
    return F.coalesce("user_id", "session_id")


def at_login(events: DataFrame) -> DataFrame:
    """The events, what was done anonymously in a session of one user being that user's: `user_id` is filled in.

    A session of several users is nobody's, nor is one whose id is also a user's: clients choose both (docs/adr/0020).
    All events say whose a session is, so this comes before they are filtered.
    """
    return with_login(events).withColumn("user_id", F.coalesce("user_id", _sole_owner())).drop("login")


def with_login(events: DataFrame) -> DataFrame:
    """The events with `login`: struct<session, owner, since, until> of what was done anonymously in a session in which
    somebody logged in: the first who did, when first, and when it first was somebody else's too, or its id a user's
    (null: never). Null for all other events."""
    session = F.struct(F.col("session_id").alias("_id"), F.col("user_id").alias("_owner"))
    user = F.struct(F.col("user_id").alias("_id"), F.lit(None).cast("string").alias("_owner"))
    ids = events.where("user_id is not null").select(F.explode(F.array(session, user)).alias("_of"), "event_time")
    known = ids.select("_of.*", "event_time").where("_id is not null")
    first = known.groupBy("_id", "_owner").agg(F.min("event_time").alias("_since"))
    order = Window.partitionBy("_id").orderBy("_since", "_owner")  # null, a user's own id, comes first
    ranked = first.withColumns({"_until": F.lead("_since").over(order), "_n": F.row_number().over(order)})
    names = {"session": "_id", "owner": "_owner", "since": "_since", "until": "_until"}
    login = F.struct(*[F.col(column).alias(name) for name, column in names.items()]).alias("login")
    owners = ranked.where("_n = 1 and _owner is not null").select("_id", login)
    anonymous = F.isnull("user_id")
    # Of others the event's own id: they find nothing, but do not all come to one task.
    key = F.coalesce(F.when(anonymous, F.col("session_id")), F.col("event_id"))
    found = events.withColumn("_key", key).join(owners, (F.col("_key") == F.col("_id")) & anonymous, "left")
    return found.select(*events.columns, "login")


def _sole_owner() -> Column:
    return F.when(F.isnull("login.until"), F.col("login.owner"))


def as_known(rows: DataFrame, seconds: float) -> DataFrame:
    """`actions` before a moment (epoch seconds) as they could be told then: who logged in later was not known yet."""
    login = F.col("login")
    was_sole = F.coalesce(login["until"].cast("double") >= seconds, F.lit(True))
    theirs = (login["since"].cast("double") < seconds) & was_sole
    user = F.when(login.isNull(), F.col("user")).when(theirs, login["owner"]).otherwise(login["session"])
    return rows.withColumns({"user": user, "known": F.coalesce(theirs, F.col("known"))})


def weight_of(weights: Mapping[Action, float]) -> Column:
    """The weight of the row's `event_type`, null where it has none or zero."""
    pairs = [F.lit(part) for name, weight in weights.items() if weight > 0 for part in (name, float(weight))]
    return F.element_at(F.create_map(*pairs), F.col("event_type")) if pairs else F.lit(None).cast("double")


def half_life(age_days: Column, half_life_days: float) -> Column:
    """2^(−age / half-life)."""
    return F.pow(F.lit(2.0), -age_days / F.lit(half_life_days))


def age_days(as_of_ms: int) -> Column:
    """Days from the event to `as_of_ms`."""
    return (F.lit(as_of_ms / 1000) - F.col("event_time").cast("double")) / F.lit(SECONDS_A_DAY)


def actions(events: DataFrame, weights: Mapping[Action, float]) -> DataFrame:
    """The actions that count: `user, item, event_type, event_time, known, weight, login`, one row an event_id."""
    found = with_login(events).withColumn("user_id", F.coalesce("user_id", _sole_owner()))
    kept = found.where(F.col("event_type").isin(*weights) & F.col("item_id").isNotNull())
    rows = once_in_batch(kept).withColumn("weight", weight_of(weights)).where("weight is not null")
    known = F.col("user_id").isNotNull().alias("known")
    columns = (
        user_key().alias("user"),
        F.col("item_id").alias("item"),
        "event_type",
        "event_time",
        known,
        "weight",
        "login",
    )
    return rows.select(*columns).where("user is not null")


def interactions(rows: DataFrame, half_life_days: float, as_of_ms: int) -> DataFrame:
    """`actions` summed to `user, item, strength`, as many bits as the model takes. What is 0 in them is left out: with
    nothing but that a user or an item would have no factors, and Spark's ALS a system without a solution."""
    part = F.col("weight") * half_life(age_days(as_of_ms), half_life_days)
    pairs = rows.groupBy("user", "item").agg(F.sum(part).alias("strength"), F.max("known").alias("known"))
    items = F.count("*").over(Window.partitionBy("user"))
    kept = pairs.withColumn("items", items).where("known or items > 1")
    return (
        kept.withColumn("strength", F.col("strength").cast("float").cast("double"))
        .where("strength > 0")
        .select("user", "item", "strength")
    )


def dense_ids(rows: DataFrame, column: str) -> DataFrame:
    """`id` (the text) and `index` (0 … n−1 in the order of the texts), worked out where the rows are.

    The distinct texts are range-partitioned and sorted; `zipWithIndex` counts the partitions, then
    numbers within each. The same texts always get the same numbers.
    """
    distinct = rows.select(F.col(column).alias("id")).distinct().orderBy("id")
    return distinct.zipWithIndex("index").select("id", F.col("index").cast("int"))


def indexed(rows: DataFrame, users: DataFrame, items: DataFrame) -> DataFrame:
    """`user, item, strength` with `user_index` and `item_index` beside."""
    by_user = users.select(F.col("id").alias("user"), F.col("index").alias("user_index"))
    by_item = items.select(F.col("id").alias("item"), F.col("index").alias("item_index"))
    return (
        rows.join(by_user, "user").join(by_item, "item").select("user_index", "item_index", "user", "item", "strength")
    )
