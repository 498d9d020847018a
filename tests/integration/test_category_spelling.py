"""A category asked for is the same one however its letters, marks and slashes were typed, on every route that takes
one."""

import httpx
import pytest
import redis

from common.config import Config
from common.keys import ALL, member
from tests.integration.shop_in_redis import Shop

COMPOSED, APART = "caf\u00e9/\uac00\ubc29", "cafe\u0301/\u1100\u1161\u1107\u1161\u11bc"  # café/가방
SLASHES = f"/{COMPOSED.replace('/', '//')}/"


@pytest.mark.parametrize("typed", [COMPOSED, APART, SLASHES], ids=["composed", "apart", "slashes"])
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
    for typed in (APART, SLASHES):
        assert api.get("/v1/rankings/popular", params={"category": typed}).json()["category"] == COMPOSED


def test_only_slashes_ask_for_no_category(api: httpx.Client) -> None:
    assert api.get("/v1/rankings/popular", params={"category": "//"}).json()["category"] is None


@pytest.mark.parametrize("typed", ["/*", "//*/", "/[women", "/{"])
def test_what_is_no_category_without_its_slashes_is_refused(api: httpx.Client, typed: str) -> None:
    answer = api.get("/v1/rankings/popular", params={"category": typed})
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "category")
