"""A category asked for is the same one however its letters and marks were typed, on every route that takes one."""

import httpx
import pytest
import redis

from common.config import Config
from common.keys import ALL, member
from tests.integration.shop_in_redis import Shop

COMPOSED, APART = "caf\u00e9/\uac00\ubc29", "cafe\u0301/\u1100\u1161\u1107\u1161\u11bc"  # café/가방


@pytest.mark.parametrize("typed", [COMPOSED, APART], ids=["composed", "apart"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/rankings/views-1h",
        "/v1/users/u-1/recommendations/for-you",
        "/v1/users/u-1/recommendations/now",
        "/v1/users/u-1/recommendations/trending",
        "/v1/items/coats-0/related",
        "/v1/items/coats-0/similar",
    ],
)
def test_a_category_is_found_in_either_spelling(
    api: httpx.Client, config: Config, redis_conn: redis.Redis, path: str, typed: str
) -> None:
    shop = Shop(config, redis_conn).open()
    redis_conn.zadd(shop.keys.tree, {COMPOSED: 0})
    for name in ("views-1h", "popular", "popular-30m"):
        for scope in (ALL, COMPOSED):
            redis_conn.zadd(shop.keys.ranking(name, scope), {member(COMPOSED, "bag-1"): 9.0})
    answer = api.get(path, params={"category": typed, "limit": 5})
    assert answer.status_code == 200, answer.text
    assert [item["item_id"] for item in answer.json()["items"]] == ["bag-1"]


def test_the_answer_names_the_category_as_it_is_stored(api: httpx.Client) -> None:
    assert api.get("/v1/rankings/popular", params={"category": APART}).json()["category"] == COMPOSED
