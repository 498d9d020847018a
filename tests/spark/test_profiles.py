"""Long-term profiles against plain Python: taste by the catalogue, prices by category, anonymous sessions joined."""

import statistics

import pytest
from pyspark.sql import SparkSession

from batch.profiles import long_profiles
from common.config_load import load_config
from tests.lake_events import event, lake_events

WEIGHTS = load_config(env={}).profile.weights
DAY = 1440.0
ROWS = [
    event(1, "view", 0, "u", "i1", session_id="s1", category="coats", price=10.0),
    event(2, "cart_add", DAY, "u", "i2", session_id="s1", category="coats", price=30.0),
    event(3, "view", DAY, None, "i3", session_id="s1", category="bags", price=7.0),
    event(4, "view", DAY, None, "i3", session_id="s2", category="bags", price=8.0),
    event(5, "view", DAY, "v", "i1", session_id="shared", category="coats", price=10.0),
    event(6, "view", DAY, "w", "i1", session_id="shared", category="coats", price=10.0),
    event(7, "view", DAY, None, "i1", session_id="shared", category="coats", price=10.0),
]
AS_OF = int(ROWS[1]["event_time"].timestamp() * 1000)


def test_taste_and_prices_count_with_anonymous_sessions_of_a_single_user(spark: SparkSession) -> None:
    products = spark.createDataFrame(
        [("i1", "casual", "b1"), ("i2", "formal", "b1")], "item string, style string, brand string"
    )
    frame = long_profiles(lake_events(spark, [*ROWS, ROWS[0] | {"offset": 99}]), WEIGHTS, 1.0, AS_OF, products)
    found = {row["user"]: row.asDict(recursive=True) for row in frame.collect()}
    assert set(found) == {"u", "v", "w", "s2", "shared"}
    of = {part: {one["name"]: one["weight"] for one in found["u"][part]} for part in ("categories", "styles", "brands")}
    view, cart = WEIGHTS["view"], WEIGHTS["cart_add"]
    assert of["categories"] == pytest.approx({"coats": view / 2 + cart, "bags": view})
    assert of["styles"] == pytest.approx({"casual": view / 2, "formal": cart})
    assert of["brands"] == pytest.approx({"b1": view / 2 + cart})
    bands = {one["name"]: one["prices"] for one in found["u"]["bands"]}
    assert bands["bags"] == [7.0] * 3
    assert bands["coats"] == pytest.approx([12.0, statistics.median([10.0, 30.0]), 28.0])
    assert len(found["shared"]["categories"]) == 1  # two users of one session: it is nobody's


def test_without_a_catalogue_there_are_no_styles(spark: SparkSession) -> None:
    row = long_profiles(lake_events(spark, ROWS[:1]), WEIGHTS, 1.0, AS_OF).collect()[0]
    assert (row["styles"], row["brands"], row["bought"]) == ([], [], [])
