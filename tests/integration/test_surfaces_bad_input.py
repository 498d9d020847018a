"""What could break a recommendation: every surface answers all the same, degraded and marked, never 500."""

import dataclasses
from collections.abc import Iterator

import httpx
import orjson
import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.redis_client import redis_target
from local.process import wait_until
from tests.integration.conftest import Serve
from tests.integration.item_rows import write_rows
from tests.integration.own_redis import OwnRedis
from tests.integration.shop_in_redis import AS_OF, Shop
from tests.integration.test_surfaces import ALL, ask, ids

every_surface = pytest.mark.parametrize("surface", ALL)
STANDING_IN = ("popular-in-category", "popular")


@pytest.fixture
def shop(config: Config, redis_conn: redis.Redis) -> Shop:
    return Shop(config, redis_conn).open()


@every_surface
def test_an_unknown_user_or_item_gets_what_is_popular(api: httpx.Client, shop: Shop, surface: str) -> None:
    found = ask(api, surface, user="nobody", item="no such item", limit=3)
    assert (found["fallback"], len(found["items"])) == ("popular", 3)


@every_surface
def test_an_unknown_category_gets_nothing_and_says_so(api: httpx.Client, shop: Shop, surface: str) -> None:
    found = ask(api, surface, category="no/such")
    assert (found["fallback"], found["items"]) == ("none", [])


@every_surface
def test_a_user_with_100_000_actions_is_answered(
    api: httpx.Client, config: Config, shop: Shop, redis_conn: redis.Redis, surface: str
) -> None:
    minutes = range(AS_OF - 12_500, AS_OF)
    values = [(minute, f"9,9,9,9,0,9,9,9,9|{minute * 60_000}|5") for minute in minutes]
    write_rows(config, [("user", m, "coats", f"coats-{n}", "busy", False, v) for m, v in values for n in range(8)])
    pipeline = redis_conn.pipeline()
    for n in range(200):
        action = [AS_OF * 60_000 + n, f"e{n}", "view", f"coats-{n % 8}", "coats", 5.0]
        pipeline.zadd(shop.keys.recent("busy"), {orjson.dumps(action): action[0]})  # type: ignore[dict-item]
    pipeline.sadd(shop.keys.bought("busy"), *[f"x-{n}" for n in range(100_000)])
    pipeline.execute()
    assert len(ask(api, surface, user="busy", limit=5)["items"]) == 5
    assert api.get("/v1/users/busy/profile").json()["interest_category"] == "coats"


@every_surface
def test_an_item_without_a_price_is_offered_unless_a_price_is_asked_for(
    api: httpx.Client, shop: Shop, surface: str
) -> None:
    shop.connection.hdel(shop.keys.product("bags-0"), "price")
    assert "bags-0" in ids(ask(api, surface, category="bags", limit=100))
    priced = ids(ask(api, surface, category="bags", limit=100, min_price=0))
    assert priced and "bags-0" not in priced
    assert ask(api, "similar", item="bags-0", limit=3)["items"]


@every_surface
def test_an_item_that_costs_nothing_is_answered(api: httpx.Client, shop: Shop, surface: str) -> None:
    shop.connection.hset(shop.keys.product("bags-0"), "price", "0")
    assert ask(api, surface, item="bags-0", limit=5)["items"]


@every_surface
def test_an_empty_catalogue_and_no_events_give_an_empty_marked_answer(api: httpx.Client, surface: str) -> None:
    found = ask(api, surface)
    assert (found["fallback"], found["items"], found["model_version"]) == ("none", [], None)


@every_surface
def test_products_missing_from_the_cache_are_offered_by_their_ranking(
    api: httpx.Client, shop: Shop, surface: str
) -> None:
    for key in shop.connection.scan_iter(shop.keys.product("*").replace("{*}", "*")):
        shop.connection.delete(key)
    assert len(ask(api, surface, item="unknown", limit=5)["items"]) == 5


@every_surface
def test_a_model_version_that_vanished_is_stood_in_for(api: httpx.Client, shop: Shop, surface: str) -> None:
    shop.connection.set(shop.keys.live_model, "gone")
    shop.connection.set(shop.keys.live_related, "gone")
    found = ask(api, surface, limit=3)
    assert found["fallback"] in STANDING_IN
    assert len(found["items"]) == 3


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    server = OwnRedis()
    server.start()
    yield server
    server.kill()


def test_redis_restarted_empty_in_between_degrades_and_comes_back(
    config: Config, serve: Serve, own_redis: OwnRedis
) -> None:
    own = dataclasses.replace(config, redis=dataclasses.replace(config.redis, url=own_redis.url))
    api = serve(own)
    with redis_target(own).connect() as connection:
        Shop(own, connection).open()
        assert all(ask(api, surface, limit=3)["items"] for surface in ALL)
        own_redis.kill()
        assert api.get("/v1/users/u-1/recommendations/now").status_code == 503
        own_redis.start()
        assert wait_until(lambda: api.get("/v1/users/u-1/recommendations/now").status_code == 200, 5)
        for surface in ALL:
            found = ask(api, surface, limit=3)
            assert found["fallback"] in (*STANDING_IN, "none")
        Shop(own, connection).open()
        assert connection.exists(Keys(own.redis.prefix).ranking("popular", "*"))
        assert all(ask(api, surface, category="bags", limit=4)["items"] for surface in ALL)
