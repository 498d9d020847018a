"""What one person did with one item too often in an hour, so that rankings leave it out.

Of each kind of action the first `per_user` of a person on an item in an hour of the clock count, minute by minute.
Only minutes in which a kind came at least twice are looked at: somebody who comes back once a minute is no burst, and
following every single action of everyone would cost a state row each. The result depends on the counts alone, not on
their order: the stream (`item_facts.lua`) and the batch layer, here, agree.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.config import Action
from common.events import COUNTS
from common.schemas import ITEM_FACTS, ITEM_MEASURES

# The kinds that can count in a ranking, in the order of the counts in a user fact's value.
CAPPED: tuple[Action, ...] = ("view", "click", "cart_add", "wish_add", "purchase")
CAPPED_MEASURES = tuple(COUNTS[action] for action in CAPPED)


def repeated() -> Column:
    """Whether a user fact has a kind of action twice or more."""
    return (F.col("item_id") != "") & (F.greatest(*CAPPED_MEASURES) > 1)


def excess(users: DataFrame, per_user: int) -> DataFrame:
    """`ITEM_FACTS` with negative counts: what to take off `item_facts`, out of `common.schemas.USER_FACTS`."""
    hour = F.floor(F.unix_seconds("window_start") / 3600)
    person = Window.partitionBy("user", "category", "item_id", hour).orderBy("window_start")
    before = person.rowsBetween(Window.unboundedPreceding, -1)
    over = {
        name: _over(F.col(name), F.coalesce(F.sum(name).over(before), F.lit(0)), per_user) for name in CAPPED_MEASURES
    }
    taken = [(over[n] if n in over else F.lit(0)).cast("bigint").alias(n) for n in ITEM_MEASURES]
    rows = users.where(repeated()).select("category", "item_id", "window_start", *taken)
    return rows.where(F.least(*CAPPED_MEASURES) < 0).select(*ITEM_FACTS.fieldNames())


def _over(count: Column, before: Column, per_user: int) -> Column:
    """Minus what exceeds the limit in this minute, after `before` in the hour."""
    left = F.greatest(F.lit(per_user) - before, F.lit(0))
    return F.least(left - count, F.lit(0))
