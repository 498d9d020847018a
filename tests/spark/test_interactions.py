"""Interactions and ids: who counts, how much, and that every text gets a number of its own."""

import pytest
from pyspark.sql import SparkSession

from batch.interactions import actions, at_login, dense_ids, indexed, interactions
from batch.profiles import bought_items
from tests.lake_events import START, event, lake_events

WEIGHTS = {"view": 1.0, "purchase": 12.0, "click": 0.0}
DAY = 24 * 60


def at(day: float) -> int:
    return int(START.timestamp() * 1000 + day * 86_400_000)


def test_strength_is_the_sum_of_weights_that_halve_with_age(spark: SparkSession) -> None:
    rows = [
        event(1, "view", 0, "ann", "coat"),
        event(2, "purchase", 10 * DAY, "ann", "coat"),
        event(3, "view", 20 * DAY, "bob", "coat"),
        event(4, "click", 20 * DAY, "bob", "hat"),  # weight 0
        event(5, "cart_add", 20 * DAY, "bob", "hat"),  # not in the weights
        event(6, "refund", 20 * DAY, "ann", "coat"),  # reduces nothing
        event(7, "view", 20 * DAY, "bob", None),
    ]
    found = interactions(actions(lake_events(spark, rows), WEIGHTS), 10.0, at(20)).collect()
    assert {(r.user, r.item): r.strength for r in found} == {
        ("ann", "coat"): pytest.approx(1 / 4 + 12 / 2),
        ("bob", "coat"): pytest.approx(1.0),
    }


def test_what_is_too_old_to_weigh_anything_in_the_model_s_32_bits_is_left_out(spark: SparkSession) -> None:
    rows = [event(n, "view", n * DAY, user, "coat") for n, user in ((0, "ann"), (60, "bob"), (200, "eve"))]
    found = interactions(actions(lake_events(spark, rows), WEIGHTS), 1.0, at(200)).collect()
    # The least that 32 bits hold is 2^-149: the day 0 is 2^-200 then, the day 60 is 2^-140.
    assert {row.user: row.strength for row in found} == {"bob": 2.0**-140, "eve": 1.0}


def test_an_event_sent_three_times_counts_once(spark: SparkSession) -> None:
    rows = [event(1, "view", 0, "ann", "coat", offset=n) for n in (9, 4, 7)]
    found = interactions(actions(lake_events(spark, rows), WEIGHTS), 10.0, at(0)).collect()
    assert [r.strength for r in found] == [1.0]


def test_anonymous_sessions_count_from_two_items_on(spark: SparkSession) -> None:
    rows = [
        event(1, "view", 0, None, "coat", session_id="one"),
        event(2, "view", 0, None, "coat", session_id="two"),
        event(3, "view", 0, None, "hat", session_id="two"),
        event(4, "view", 0, "ann", "hat"),
    ]
    found = interactions(actions(lake_events(spark, rows), WEIGHTS), 10.0, at(0)).collect()
    assert {(r.user, r.item) for r in found} == {("two", "coat"), ("two", "hat"), ("ann", "hat")}


BEFORE_LOGIN = [
    event(1, "view", 0, None, "coat", session_id="s-ann"),
    event(2, "purchase", 1, None, "hat", session_id="s-ann"),
    event(3, "search", 2, "ann", None, session_id="s-ann"),  # the login, no action of any weight
    event(4, "view", 0, None, "coat", session_id="shared"),
    event(5, "view", 1, "ann", "scarf", session_id="shared"),
    event(6, "view", 1, "bob", "scarf", session_id="shared"),
    event(7, "view", 0, None, "coat", session_id="bob"),
    event(8, "view", 1, "mallory", "scarf", session_id="bob"),
    event(9, "view", 1, "eve", "scarf", session_id=None),
    event(10, "view", 1, None, "coat", session_id="alone"),
    event(11, "view", 1, None, "hat", session_id="s-ann", offset=99),
]


def test_what_came_before_a_login_counts_for_the_one_user_of_the_session(spark: SparkSession) -> None:
    frame = lake_events(spark, BEFORE_LOGIN)
    found = actions(frame, WEIGHTS).collect()
    assert {(row["user"], row["item"]) for row in found if row["user"] == "ann"} == {
        ("ann", "coat"),
        ("ann", "hat"),
        ("ann", "scarf"),
    }
    assert {row["user"] for row in found} == {"ann", "bob", "mallory", "eve", "shared", "alone"}
    assert {row["item"] for row in found if row["user"] == "mallory"} == {"scarf"}  # 'bob' is a user's id
    assert {row["item"] for row in found if row["user"] == "bob"} == {"coat", "scarf"}
    assert {(row["user"], row["item"]) for row in bought_items(frame).collect()} == {("ann", "hat")}
    assert at_login(frame).columns == frame.columns
    assert at_login(frame).count() == len(BEFORE_LOGIN)


def test_ids_are_a_bijection_in_the_order_of_the_texts(spark: SparkSession) -> None:
    texts = [f"사용자-{n % 137} 👗" for n in range(500)]
    frame = spark.createDataFrame([(text,) for text in texts], "user string").repartition(7)
    found = {r["id"]: r["index"] for r in dense_ids(frame, "user").collect()}
    assert found == {text: n for n, text in enumerate(sorted(set(texts), key=lambda t: t.encode()))}


def test_indexing_keeps_every_row(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("b", "y", 2.0), ("a", "x", 1.0), ("b", "x", 3.0)], "user string, item string, strength double"
    )
    found = indexed(rows, dense_ids(rows, "user"), dense_ids(rows, "item")).collect()
    expected = {(1, 1, "b", "y", 2.0), (0, 0, "a", "x", 1.0), (1, 0, "b", "x", 3.0)}
    assert {tuple(row) for row in found} == expected
