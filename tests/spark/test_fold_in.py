"""Folding in against Spark's own user factors, and against the formula written out."""

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch.factors import fit, index, item_factors, user_factors
from common.config_load import load_config
from common.models.fold_in import FoldIn


@pytest.mark.parametrize(("alpha", "regularization"), [(10.0, 0.05), (1.0, 0.3)])
def test_folded_in_users_are_those_of_spark(spark: SparkSession, alpha: float, regularization: float) -> None:
    chance = np.random.default_rng(4)
    pairs = {(int(u), int(i)) for u, i in zip(chance.integers(0, 60, 900), chance.integers(0, 40, 900), strict=True)}
    rows = [(f"u{u}", f"i{i}", float(chance.exponential(2))) for u, i in sorted(pairs)]
    config = load_config().als
    als = config.__class__(**{**vars(config), "rank": 8, "iterations": 3, "alpha": alpha})
    als = als.__class__(**{**vars(als), "regularization": regularization})
    data = index(spark.createDataFrame(rows, "user string, item string, strength double"))
    model = fit(data, als)
    items = item_factors(model, data).orderBy("index").collect()
    fold = FoldIn(np.array([row["features"] for row in items], np.float32), alpha, regularization)
    given = data.rows.groupBy("user").agg(F.collect_list("item_index"), F.collect_list("strength"))
    histories = {user: (np.array(places), np.array(strengths)) for user, places, strengths in given.collect()}
    found = user_factors(model, data).collect()
    assert len(found) == len(histories) == 60
    for row in found:
        assert fold.user(*histories[row["user"]]) == pytest.approx(np.array(row["features"]), abs=1e-4)
    data.release()


def test_the_formula_written_out_agrees_also_with_what_was_disliked() -> None:
    chance = np.random.default_rng(1)
    y, alpha, regularization = chance.normal(size=(30, 5)).astype(np.float32), 3.0, 0.2
    items, strengths = np.array([3, 7, 20, 21]), np.array([1.0, 2.5, -0.5, 4.0])
    left, right = sum(np.outer(row, row) for row in y.astype(float)), np.zeros(5)
    for item, strength in zip(items, strengths, strict=True):
        row = y[item].astype(float)
        left = left + alpha * abs(strength) * np.outer(row, row)
        if strength > 0:
            left = left + regularization * np.eye(5)
            right += (1 + alpha * strength) * row
    found = FoldIn(y, alpha, regularization).user(items, strengths)
    assert found == pytest.approx(np.linalg.inv(left) @ right, abs=1e-9)


def test_who_has_done_nothing_has_no_taste() -> None:
    fold = FoldIn(np.ones((3, 2), np.float32), 1.0, 0.1)
    assert fold.user(np.array([], int), np.array([])).tolist() == [0.0, 0.0]
