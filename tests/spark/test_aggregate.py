"""What an event counts in, row by row against literal values: every type, money, and sums that no longer fit."""

from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from common.facts.aggregate import ITEM, MOST, QUERY, USER, aggregate
from tests.lake_events import START, event, lake_events

# Event type → the measure that it counts in, written out here again.
MEASURES = {
    "view": "views",
    "click": "clicks",
    "exposure": "exposures",
    "cart_add": "carts",
    "wish_add": "wishes",
    "purchase": "purchases",
    "search": "searches",
    "refund": "refunds",
    "cart_remove": "cart_removes",
    "wish_remove": "wish_removes",
}
OF_ITEMS = {"view", "click", "exposure", "cart_add", "wish_add", "purchase", "refund"}
OF_TASTE = {"view", "click", "cart_add", "cart_remove", "wish_add", "wish_remove", "purchase"}


def counted(spark: SparkSession, rows: list[dict[str, Any]], fact: str) -> dict[tuple[str, str, str], Row]:
    """The fact's rows by category, key and user; all events are of one minute."""
    return {(r["category"], r["key"], r["user"]): r for r in aggregate(lake_events(spark, rows), (fact,)).collect()}


def measures(row: Row) -> dict[str, int]:
    return {name: row[name] for name in MEASURES.values() if row[name]}


def of_each_type() -> list[dict[str, Any]]:
    """Type number n, n + 1 times, each on an item of its own."""
    kinds = [(n, kind) for n, kind in enumerate(MEASURES) for _ in range(n + 1)]
    return [
        event(at, kind, 0, "ann", f"i-{kind}", query="coat" if kind in ("search", "click") else None)
        for at, (_, kind) in enumerate(kinds)
    ]


def test_every_type_counts_in_its_own_measure_of_the_facts_that_it_is_part_of(spark: SparkSession) -> None:
    rows, times = of_each_type(), {kind: n + 1 for n, kind in enumerate(MEASURES)}
    items = counted(spark, rows, ITEM)
    assert {key: measures(row) for key, row in items.items()} == {
        ("", f"i-{kind}", ""): {MEASURES[kind]: times[kind]} for kind in OF_ITEMS
    }
    users = counted(spark, rows, USER)
    assert {key: measures(row) for key, row in users.items()} == {
        **{("", f"i-{kind}", "ann"): {MEASURES[kind]: times[kind]} for kind in OF_TASTE},
        ("", "", "ann"): {"exposures": times["exposure"], "searches": times["search"]},
    }
    queries = counted(spark, rows, QUERY)
    assert {key: measures(row) for key, row in queries.items()} == {
        ("", "coat", "ann"): {"searches": times["search"], "clicks": times["click"]}
    }


@pytest.mark.parametrize(
    ("price", "quantity", "units", "revenue"),
    [
        (19.99, 3, 3, 599_700),
        (19.99, None, 1, 199_900),
        (None, 4, 4, 0),
        (None, None, 1, 0),
        (0.00005, 1, 1, 1),  # half a ten-thousandth is rounded up
        (0.00004, 1, 1, 0),
        (0.00004, 2, 2, 1),  # rounded once, after the quantity
        (0.0, 7, 7, 0),
    ],
)
def test_a_purchase_counts_its_units_and_what_was_paid_in_ten_thousandths(
    spark: SparkSession, price: float | None, quantity: int | None, units: int, revenue: int
) -> None:
    for kind, wanted in (("purchase", (units, revenue, 0)), ("refund", (0, 0, revenue)), ("view", (0, 0, 0))):
        rows = [event(1, kind, 0, "ann", "i-1", category="c", price=price, quantity=quantity)]
        (row,) = counted(spark, rows, ITEM).values()
        assert (row["units"], row["revenue"], row["refunded"]) == wanted


def test_many_purchases_and_refunds_add_up_apart(spark: SparkSession) -> None:
    rows = [event(n, "purchase", 0, f"u{n}", "i-1", price=0.1, quantity=n) for n in range(1, 6)]
    rows += [event(9, "refund", 0, "u1", "i-1", price=0.1, quantity=2), event(10, "view", 0, "u1", "i-1", price=99.0)]
    (row,) = counted(spark, rows, ITEM).values()
    assert (row["purchases"], row["units"], row["revenue"]) == (5, 15, 15_000)
    assert (row["refunds"], row["refunded"], row["views"]) == (1, 2_000, 1)


def test_money_that_no_longer_fits_stands_at_the_most_and_stops_nothing(spark: SparkSession) -> None:
    half = float(2**62) / 10_000  # of what fits
    rows = [event(n, "purchase", 0, f"u{n}", "i-1", price=half, quantity=1) for n in range(3)]
    rows += [event(9, "purchase", 0, "u9", "i-2", price=half, quantity=1)]
    found = counted(spark, rows, ITEM)
    assert MOST == 9_223_372_036_854_775_807
    assert found["", "i-1", ""]["revenue"] == MOST
    assert found["", "i-2", ""]["revenue"] == 2**62
    assert (found["", "i-1", ""]["purchases"], found["", "i-1", ""]["refunded"]) == (3, 0)


def test_a_user_fact_has_the_highest_price_and_the_newest_time_and_nobody_named_is_the_session(
    spark: SparkSession,
) -> None:
    prices = (3.0, 9.5, None, 4.0)
    rows = [event(n, "view", n / 10, None, "i-1", category="c", price=price) for n, price in enumerate(prices)]
    rows = [row | {"session_id": "s-1"} for row in rows]
    (found,) = counted(spark, rows, USER).items()
    assert found[0] == ("c", "i-1", "s-1")
    assert (found[1]["price"], found[1]["last_ms"]) == (9.5, round(START.timestamp() * 1000) + 18_000)
    exposed = [event(1, "exposure", 0, "ann", "i-1", category="c", price=5.0)]
    assert counted(spark, exposed, USER)["", "", "ann"]["price"] is None
    assert counted(spark, rows, ITEM)["c", "i-1", ""]["price"] is None
