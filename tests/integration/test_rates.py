"""The job `rates` and `popular-rate`: purchases per view, little data drawn to what is usual, against pandas."""

import httpx
import pandas as pd
import pytest
import redis
from pyspark.sql import SparkSession

from batch import facts, rates
from batch.tables import append
from common.config import Config
from common.keys import Keys
from common.sources.lake import EVENTS
from tests.integration.test_past_rankings import ask
from tests.lake_events import event, lake_events

# (category, item): views and purchases; 'lucky' sold with its only view
SHOP = {
    ("coats", "good"): (400, 60), ("coats", "fair"): (400, 20), ("coats", "poor"): (400, 2), ("coats", "lucky"): (1, 1),
    ("bags", "one"): (300, 6), ("bags", "two"): (300, 3), ("bags", "unseen"): (4, 0), ("bags", "never"): (0, 3),
}  # fmt: skip


def smoothed() -> pd.Series:
    """The closed formula by pandas: Marshall's moments among categories, then among items."""
    table = pd.DataFrame([(c, i, n, y) for (c, i), (n, y) in SHOP.items() if n], columns=["c", "i", "n", "y"])

    def believed(rows: pd.DataFrame) -> float:
        squares, means = (rows.n * (rows.y / rows.n - rows.m) ** 2).sum(), rows.m.sum()
        between = (squares - means) / rows.n.sum()
        return (rows.n * rows.m).sum() / rows.n.sum() / between if between > 0 else 1e12

    categories = table.groupby("c")[["n", "y"]].sum()
    categories["m"] = table.y.sum() / table.n.sum()
    strength = believed(categories)
    usual = (categories.y + strength * categories.m) / (categories.n + strength)
    table["m"] = table.c.map(usual)
    strength = believed(table)
    return pd.Series(((table.y + strength * table.m) / (table.n + strength)).to_numpy(), index=table.i)


def test_rates_are_the_closed_formula_and_one_lucky_sale_is_not_the_best(
    spark: SparkSession, config: Config, redis_conn: redis.Redis, api: httpx.Client
) -> None:
    assert rates.run(spark, config).status == "no-data"
    assert ask(api, "popular-rate")["items"] == []
    rows = []
    for (category, item), (views, purchases) in SHOP.items():
        for kind, times in (("view", views), ("purchase", purchases)):
            for n in range(times):
                rows.append(event(len(rows), kind, n / 10, f"u{n}", item, category=category, price=1.0))
    append(lake_events(spark, rows), config, EVENTS, "date")
    assert facts.run(spark, config).status == "done"
    assert rates.run(spark, config).status == "done"
    found, wanted = ask(api, "popular-rate"), smoothed()
    assert {row["item_id"]: row["score"] for row in found["items"]} == pytest.approx(wanted.to_dict(), rel=1e-9)
    assert [row["item_id"] for row in found["items"]] == list(wanted.sort_values(ascending=False).index)
    assert found["items"][0]["item_id"] == "good"
    assert {(row["change"], row["new"]) for row in found["items"]} == {(None, False)}
    assert {row["item_id"] for row in ask(api, "popular-rate", category="bags")["items"]} == {"one", "two", "unseen"}
    refused = api.get("/v1/rankings/popular-rate?at=2026-03-01T00:10:00Z")
    assert (refused.status_code, refused.json()["error"]["details"][0]["field"]) == (400, "at")

    keys = Keys(config.redis.prefix)
    first = (redis_conn.get(keys.live_rates) or b"").decode()
    assert rates.run(spark, config).status == "done"
    assert ask(api, "popular-rate") == found
    written = list(redis_conn.scan_iter(match=f"{config.redis.prefix}*popular-rate@*"))
    assert len(written) == 6  # all, two categories; two versions, of which the first leaves
    assert all(0 < redis_conn.ttl(key) <= (600 if first in key.decode() else 7 * 86_400) for key in written)
