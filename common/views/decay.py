"""The batch part of a decayed ranking: everything up to the horizon T, as it stands at T.

In: item facts (`common.schemas.ITEM_FACTS`). Out: `category`, `member` (`common.keys.member`),
`score` = Σ contribution · 2^((minute − T) / half-life) over the facts with
minute < T, where contribution = Σ weight(action) · count(action). Exponential decay is multiplicative, so
the score at a later minute m is score · 2^(−(m − T) / half-life), plus what the stream counted since T.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.config import Action, RankingConfig
from common.events import COUNTS
from common.keys import SEPARATOR
from common.views.rankings import HALF_LIVES


def minute_of(window_start: Column) -> Column:
    """Minutes since the epoch."""
    return F.floor(F.unix_seconds(window_start) / 60)


def contributed(weights: Mapping[Action, float]) -> Column:
    """What one fact adds to a ranking: Σ weight of the action × its count."""
    terms = [F.col(COUNTS[action]) * F.lit(float(weight)) for action, weight in weights.items()]
    return sum(terms[1:], start=terms[0])


def decayed_base(facts: DataFrame, ranking: RankingConfig, horizon_minute: int) -> DataFrame:
    """`category, member, score` of `ranking` at `horizon_minute`; only positive scores."""
    oldest = horizon_minute - HALF_LIVES * ranking.minutes
    minute = minute_of(F.col("window_start"))
    kept = facts.where((minute < horizon_minute) & (minute >= oldest))
    parts = kept.select("category", "item_id", minute.alias("minute"), contributed(ranking.weights).alias("part"))
    return decayed(parts, ranking, horizon_minute)


def decayed(parts: DataFrame, ranking: RankingConfig, at: int) -> DataFrame:
    """`category, member, score` at minute `at` of `category, item_id, minute, part`; only positive scores."""
    part = F.col("part") * F.pow(F.lit(2.0), (F.col("minute") - at) / ranking.minutes)
    member = F.concat("category", F.lit(SEPARATOR), "item_id")
    return parts.groupBy("category", member.alias("member")).agg(F.sum(part).alias("score")).where("score > 0")
