"""An item whose category has changed: its rows of both categories are one in every answer."""

from typing import Any

import httpx
import pytest
import redis

from common.config import Config
from common.keys import ALL, member
from tests.integration.shop_in_redis import Shop


@pytest.fixture(autouse=True)
def shop(config: Config, redis_conn: redis.Redis) -> Shop:
    """`coats-0` has 99 of what it did as a bag, and 100 as the coat that the catalogue says it is."""
    made = Shop(config, redis_conn).open()
    for name, score in (("popular", 99.0), ("views-1h", 5.0)):
        for scope in (ALL, "bags"):
            redis_conn.zadd(made.keys.ranking(name, scope), {member("bags", "coats-0"): score})
    return made


def ranked(api: httpx.Client, name: str, **parameters: Any) -> list[tuple[str, str, float, int]]:
    items = api.get(f"/v1/rankings/{name}", params={"limit": 30, **parameters}).json()["items"]
    assert [row["rank"] for row in items] == [*range(1, len(items) + 1)]
    return [(row["item_id"], row["category"], row["score"], row["views"]) for row in items]


def test_a_ranking_lists_it_once_with_the_sum_in_the_category_of_the_catalogue(api: httpx.Client) -> None:
    every = ranked(api, "popular")
    assert len(every) == len({item for item, *_ in every}) == 24
    assert every[0] == ("coats-0", "coats", (100 + 99) / 2, 8 + 5)  # one half-life after the landmark
    assert ranked(api, "views-1h", limit=1) == [("coats-0", "coats", 13, 13)]


def test_a_category_lists_what_was_counted_in_it(api: httpx.Client) -> None:
    assert ranked(api, "popular", category="bags")[0] == ("coats-0", "bags", 99 / 2, 5)
    assert ranked(api, "popular", category="coats")[0] == ("coats-0", "coats", 100 / 2, 8)


def test_its_trend_is_that_of_the_sum_not_of_the_smaller_part(
    api: httpx.Client, shop: Shop, redis_conn: redis.Redis
) -> None:
    for scope in (ALL, "bags"):
        redis_conn.zadd(shop.keys.ranking("popular", scope), {member("bags", "coats-0"): 1.0})
    found = api.get("/v1/users/nobody/recommendations/trending?explain=true&limit=3").json()["items"]
    values = {row["item_id"]: {r["signal"]: r["contribution"] for r in row["reasons"]}.get("trend") for row in found}
    assert values["coats-0"] == max(values.values())
