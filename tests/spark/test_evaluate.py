"""The metrics against their definitions, worked out again with numpy, user by user."""

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from batch.evaluate import popular, quality, split_by_time, without_seen
from batch.interactions import actions
from tests.lake_events import event, lake_events


def by_numpy(recommended: dict[str, list[str]], relevant: dict[str, set[str]], k: int) -> tuple[float, float, float]:
    ndcg, recall, mrr = [], [], []
    for user, wanted in relevant.items():
        gains = np.array([item in wanted for item in recommended.get(user, [])[:k]] + [False] * k)[:k].astype(float)
        discounts = 1 / np.log2(np.arange(2, k + 2))
        ndcg.append((gains * discounts).sum() / discounts[: min(len(wanted), k)].sum())
        recall.append(gains.sum() / len(wanted))
        mrr.append(1 / (gains.argmax() + 1) if gains.any() else 0.0)
    return float(np.mean(ndcg)), float(np.mean(recall)), float(np.mean(mrr))


@pytest.mark.parametrize("k", [1, 3, 10])
def test_metrics_agree_with_numpy(spark: SparkSession, k: int) -> None:
    chance = np.random.default_rng(5)
    items = [f"i{n}" for n in range(40)]
    recommended = {f"u{n}": list(chance.permutation(items)[:12]) for n in range(50)}
    relevant = {f"u{n}": set(chance.choice(items, chance.integers(1, 15), replace=False)) for n in range(3, 55)}
    ranked = [(user, str(item), rank) for user, chosen in recommended.items() for rank, item in enumerate(chosen, 1)]
    wanted = [(user, str(item)) for user, chosen in relevant.items() for item in chosen]
    found = quality(
        spark.createDataFrame(ranked, "user string, item string, rank int"),
        spark.createDataFrame(wanted, "user string, item string"),
        k,
    )
    assert (found.ndcg, found.recall, found.mrr) == pytest.approx(by_numpy(recommended, relevant, k))
    assert found.users == 52


def test_nobody_to_judge_is_zero_not_null(spark: SparkSession) -> None:
    ranked = spark.createDataFrame([], "user string, item string, rank int")
    found = quality(ranked, ranked.select("user", "item"))
    assert (found.ndcg, found.recall, found.mrr, found.users) == (0.0, 0.0, 0.0, 0)


def test_what_was_seen_is_not_recommended_and_ties_break_by_name(spark: SparkSession) -> None:
    scored = [("ann", "a", 3.0), ("ann", "c", 2.0), ("ann", "b", 2.0), ("ann", "d", 1.0), ("bob", "a", 1.0)]
    seen = spark.createDataFrame([("ann", "a"), ("bob", "b")], "user string, item string")
    found = without_seen(spark.createDataFrame(scored, "user string, item string, score double"), seen, 2)
    assert {tuple(row) for row in found.collect()} == {("ann", "b", 1), ("ann", "c", 2), ("bob", "a", 1)}


def test_popularity_counts_users_and_gives_everyone_the_same(spark: SparkSession) -> None:
    rows = [("a", "x"), ("b", "x"), ("c", "x"), ("a", "y"), ("b", "y"), ("c", "z")]
    train = spark.createDataFrame(rows, "user string, item string")
    users = spark.createDataFrame([("a",), ("new",)], "user string")
    found = {tuple(row) for row in popular(train, users, 2).collect()}
    assert found == {("a", "x", 3), ("a", "y", 2), ("new", "x", 3), ("new", "y", 2)}


def test_the_newest_part_is_held_out(spark: SparkSession) -> None:
    rows = [event(n, "view", 100 - n, "ann", f"i{n}") for n in range(100)]
    older, newer = split_by_time(actions(lake_events(spark, rows), {"view": 1.0}), 0.1)
    assert {row["item"] for row in newer.collect()} <= {f"i{n}" for n in range(11)}
    assert older.count() + newer.count() == 100
    assert newer.count() in (10, 11)


def test_at_the_trial_a_later_login_does_not_say_whose_the_older_actions_were(spark: SparkSession) -> None:
    """Views a minute apart, anonymous but for the logins; the newest fifth, from minute 80 on, is held out."""
    views = [event(n, "view", n, None, f"i{n}", session_id="fills") for n in range(100)]
    said = [
        *(event(200 + n, "view", minute, None, "coat", session_id=of) for n, (of, minute) in enumerate(SESSIONS)),
        *(event(300 + n, "search", minute, user, None, session_id=of) for n, (of, minute, user) in enumerate(LOGINS)),
    ]
    rows = actions(lake_events(spark, views + said), {"view": 1.0})
    older, newer = split_by_time(rows, 0.2)

    def who(part: DataFrame) -> list[str]:
        return sorted(row["user"] for row in part.where("item = 'coat'").collect())

    # Early and shared had logged in by then; of who did later nothing was known, nor that shared became two people's.
    assert who(older) == ["early's", "late", "one's", "two"]
    assert who(newer) == ["late's", "shared"]
    known = {row["user"]: row["known"] for row in older.where("item = 'coat'").collect()}
    assert known == {"early's": True, "late": False, "one's": True, "two": False}
    assert who(rows) == ["early's", "late's", "late's", "shared", "shared", "two"]
    again = split_by_time(older, 0.5)[0]  # as the search does: the first login is yet to come
    assert who(again) == ["early", "late", "shared", "two"]


SESSIONS = [("early", 1), ("late", 2), ("shared", 3), ("two", 4), ("late", 95), ("shared", 96)]
LOGINS = [("early", 50, "early's"), ("late", 90, "late's"), ("shared", 51, "one's"), ("shared", 91, "two's")]
LOGINS += [("two", 60, "b"), ("two", 61, "c")]
