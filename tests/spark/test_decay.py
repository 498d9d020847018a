"""The batch part of a decayed ranking against its closed formula in numpy, and against its own future."""

from datetime import datetime, timezone

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from common.config import RankingConfig
from common.schemas import ITEM_FACTS, ITEM_MEASURES
from common.views.decay import decayed_base

RANKING = RankingConfig("popular", "decay", 90, {"view": 1.0, "purchase": 12.0})
T = 29_000_000


def facts(spark: SparkSession, rows: list[tuple[str, str, int, int, int]]) -> DataFrame:
    """(category, item, minute, views, purchases) as item facts; other counts are 5, and must not matter."""
    return spark.createDataFrame(
        [
            (category, item, datetime.fromtimestamp(minute * 60, timezone.utc), *measures(views, purchases))
            for category, item, minute, views, purchases in rows
        ],
        ITEM_FACTS,
    )


def measures(views: int, purchases: int) -> list[int]:
    known = {"views": views, "purchases": purchases}
    return [known.get(name, 5) for name in ITEM_MEASURES]


def test_scores_agree_with_the_closed_formula(spark: SparkSession) -> None:
    chance = np.random.default_rng(11)
    rows = [
        (f"c{n % 3}" if n % 7 else "", f"상품{n % 11}", int(T - minute), int(views), int(bought))
        for n, (minute, views, bought) in enumerate(chance.integers([-40, 0, 0], [4000, 9, 3], size=(300, 3)))
    ]
    expected: dict[tuple[str, str], float] = {}
    for category, item, minute, views, bought in rows:
        if minute < T:
            value = (views + 12 * bought) * np.exp2((minute - T) / 90)
            key = (category, f"{category}\x1f{item}")
            expected[key] = expected.get(key, 0) + value
    found = {(r.category, r.member): r.score for r in decayed_base(facts(spark, rows), RANKING, T).collect()}
    assert found == pytest.approx({key: value for key, value in expected.items() if value > 0}, rel=1e-9, abs=1e-9)


def test_a_later_horizon_is_the_earlier_one_decayed_plus_what_came_between(spark: SparkSession) -> None:
    table = facts(spark, [("a", "x", T - 500, 4, 1), ("a", "x", T + 10, 3, 0), ("a", "x", T + 30, 9, 9)])
    (before,) = decayed_base(table, RANKING, T).collect()
    (after,) = decayed_base(table, RANKING, T + 30).collect()
    assert after.score == pytest.approx(before.score * 2 ** (-30 / 90) + 3 * 2 ** (-20 / 90))


def test_the_minute_of_the_horizon_belongs_to_the_stream(spark: SparkSession) -> None:
    assert decayed_base(facts(spark, [("a", "x", T, 4, 1)]), RANKING, T).count() == 0
