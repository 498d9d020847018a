"""The five surfaces over HTTP on a real Redis and Kafka: what each follows, what is never shown, what stands in."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
import redis

from common.config import Config
from common.events import EXPOSURE_CANDIDATES
from local.process import wait_until
from tests.event_factory import event
from tests.integration.shop_in_redis import Shop
from tests.integration.topic_reader import records

OF_A_USER = ("for-you", "now", "trending")
ALL = (*OF_A_USER, "related", "similar")


@pytest.fixture
def shop(config: Config, redis_conn: redis.Redis) -> Shop:
    shop = Shop(config, redis_conn).open()
    for scope in ("*", "coats", "신발", "bags"):  # what rises is the other end of what is popular
        for text in redis_conn.zrange(shop.keys.ranking("popular", scope), 0, -1):
            redis_conn.zadd(shop.keys.ranking("popular-30m", scope), {text: int(text[-1:]) + 1})
    return shop


def path(surface: str, user: str = "u-1", item: str = "coats-0") -> str:
    if surface in OF_A_USER:
        return f"/v1/users/{user}/recommendations/{surface}"
    return f"/v1/items/{quote(item, safe='')}/{surface}?user_id={user}"


def ask(api: httpx.Client, surface: str, user: str = "u-1", item: str = "coats-0", **parameters: Any) -> dict[str, Any]:
    answer = api.get(httpx.URL(path(surface, user, item)).copy_merge_params(parameters))
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def test_a_cart_add_changes_the_related_items_at_the_next_request(api: httpx.Client, shop: Shop) -> None:
    shop.relate("related", {"coats-0": [("bags-1", 5.0, 0.2)], "bags-5": [("신발-7", 9.0, 0.9)]})
    before = ask(api, "related", explain=True)
    assert (before["fallback"], before["model_version"], before["item_id"]) == (None, "r1", "coats-0")
    assert ids(before)[0] == "bags-1"
    assert {"together", "als", "complement"} <= {reason["signal"] for reason in before["items"][0]["reasons"]}
    api.post("/v1/events", json=event("cart_add", item_id="bags-5"))
    assert set(ids(ask(api, "related"))[:2]) == {"bags-1", "신발-7"}
    assert ids(ask(api, "related", user="u-2")) == ids(before)
    api.post("/v1/events", json=event("cart_remove", item_id="bags-5"))
    assert ids(ask(api, "related"))[0] == "bags-1"
    assert "신발-7" not in ids(ask(api, "related"))


def test_what_was_bought_or_is_in_the_cart_is_not_offered_beside_it(api: httpx.Client, shop: Shop) -> None:
    shop.relate("related", {"coats-0": [("bags-1", 5.0, 0.2), ("bags-2", 4.0, 0.2), ("bags-3", 3.0, 0.2)]})
    api.post("/v1/events", json=event("purchase", item_id="bags-1", order_id="o-1"))
    api.post("/v1/events", json=event("cart_add", item_id="bags-2"))
    found = ids(ask(api, "related", limit=100))
    assert found[0] == "bags-3"
    assert not {"coats-0", "bags-1", "bags-2"} & set(found)


def test_similar_items_are_substitutes_and_follow_what_was_seen_before(api: httpx.Client, shop: Shop) -> None:
    shop.relate(
        "similar", {"coats-0": [("coats-3", 3.0, 0.9), ("coats-4", 2.0, 0.1)], "coats-7": [("coats-4", 90.0, 1.0)]}
    )
    first = ask(api, "similar")
    assert ids(first)[:2] == ["coats-3", "coats-4"]
    filled = ids(ask(api, "similar", limit=7))
    assert all(item.startswith("coats-") for item in filled)  # from the category
    assert set(filled) < set(ids(first)) and len(ids(first)) == 10  # then overall
    for _ in range(2):
        api.post("/v1/events", json=event("view", item_id="coats-7"))
    assert ids(ask(api, "similar"))[0] == "coats-4"


@pytest.mark.parametrize("surface", ["related", "similar"])
def test_an_item_of_which_nothing_is_known_gets_a_fallback_also_for_somebody_known(
    api: httpx.Client, shop: Shop, surface: str
) -> None:
    shop.relate(surface, {"bags-2": [("coats-6", 8.0, 0.5)], "no-product": [("coats-5", 8.0, 0.5)]})
    for kind in ("view", "cart_add"):
        api.post("/v1/events", json=event(kind, item_id="bags-2", category="bags"))
    assert ask(api, surface, item="coats-1", limit=1)["fallback"] is None
    assert ask(api, surface, item="never-seen", limit=1)["fallback"] == "popular-in-category"
    of_a_list = ask(api, surface, item="no-product", limit=2)
    assert (of_a_list["fallback"], "coats-5" in ids(of_a_list)) == (None, True)


def test_trending_is_what_rises_in_the_category_being_viewed(api: httpx.Client, shop: Shop) -> None:
    nobody = ask(api, "trending", limit=3)
    assert nobody["fallback"] == "popular"
    api.post("/v1/events", json=event("view", item_id="bags-2"))
    after = ask(api, "trending", limit=4, explain=True)
    assert after["fallback"] is None
    assert sum(item.startswith("bags-") for item in ids(after)) >= 3
    assert {"rising", "category"} <= {reason["signal"] for reason in after["items"][0]["reasons"]}


def test_trending_says_when_nothing_of_the_categories_at_hand_may_be_shown(api: httpx.Client, shop: Shop) -> None:
    api.post("/v1/events", json=event("view", item_id="hats-1", category="hats"))
    nothing_there = ask(api, "trending", limit=3)
    assert (nothing_there["fallback"], len(nothing_there["items"])) == ("popular", 3)
    api.post("/v1/events", json=event("view", item_id="bags-2"))
    assert ask(api, "trending")["fallback"] is None
    refused = ask(api, "trending", exclude=[f"bags-{n}" for n in range(8)])
    assert refused["fallback"] == "popular"


@pytest.mark.parametrize("surface", ALL)
def test_what_is_sold_out_makes_room_for_what_is_ranked_far_below(api: httpx.Client, shop: Shop, surface: str) -> None:
    ranked = {f"hats\x1fhats-{n}": 1000.0 - n for n in range(300)}
    for name in ("popular", "popular-30m"):
        shop.connection.zadd(shop.keys.ranking(name, "hats"), ranked)
    shop.connection.zadd(shop.keys.tree, {"hats": 0})
    for n in range(295):
        shop.connection.hset(shop.keys.product(f"hats-{n}"), mapping={"category": "hats", "price": 5, "stock": 0})
    found = ids(ask(api, surface, item="hats-0", limit=5, category="hats"))
    assert set(found) == {f"hats-{n}" for n in range(295, 300)}


@pytest.mark.parametrize("surface", ALL)
def test_only_the_style_asked_for(api: httpx.Client, shop: Shop, surface: str) -> None:
    for item in ("coats-7", "bags-6"):
        shop.connection.hset(shop.keys.product(item), "style", "boho")
    assert set(ids(ask(api, surface, style="boho", limit=50))) == {"coats-7", "bags-6"}
    assert ids(ask(api, surface, style="boho", category="bags")) == ["bags-6"]
    assert ask(api, surface, style="gothic")["fallback"] == "none"


def test_now_is_what_the_last_items_lead_to_and_marked_while_no_sessions_are_known(
    api: httpx.Client, shop: Shop
) -> None:
    shop.relate("similar", {"bags-2": [("bags-6", 4.0, 0.5)]})
    shop.relate("related", {"bags-2": [("coats-6", 8.0, 0.5)]})
    assert ask(api, "now")["fallback"] == "popular"
    api.post("/v1/events", json=event("view", item_id="bags-2"))
    found = ask(api, "now", limit=2)
    assert (found["fallback"], found["model_version"]) == ("together", "r1")
    assert set(ids(found)) == {"coats-6", "bags-6"}


@pytest.mark.parametrize("surface", ALL)
def test_nothing_repeats_across_surfaces_and_filters_hold(api: httpx.Client, shop: Shop, surface: str) -> None:
    first = ids(ask(api, surface, limit=5))
    assert len(first) == 5
    second = ids(ask(api, surface, limit=200, exclude=",".join(first)))
    assert second and not set(first) & set(second)
    assert ids(ask(api, surface, limit=200, exclude=first)) == second
    priced = ids(ask(api, surface, limit=200, category="신발", min_price=20, max_price=40))
    assert set(priced) <= {"신발-1", "신발-2", "신발-3"} and priced


def own_only(shop: Shop, surface: str, item: str, api: httpx.Client) -> None:
    """The surface's own source knows nothing but coats."""
    coats = [(f"coats-{n}", 9.0 - n, 0.5) for n in range(1, 8)]
    for kind in ("related", "similar"):
        shop.relate(kind, {item: coats})
    shop.train("u-1", {name: score for name, score, _ in coats})
    api.post("/v1/events", json=event("view", item_id=item, category="coats"))


@pytest.mark.parametrize("surface", [one for one in ALL if one != "trending"])
def test_what_filters_leave_short_is_filled_with_popular_items(api: httpx.Client, shop: Shop, surface: str) -> None:
    own_only(shop, surface, "coats-0", api)
    own = ask(api, surface, limit=3)
    assert own["fallback"] == ("together" if surface == "now" else None)
    other = ask(api, surface, limit=3, category="bags")
    assert (other["fallback"], len(other["items"])) == ("popular-in-category", 3)
    for n in range(8):
        shop.connection.zrem(shop.keys.ranking("popular", "coats"), f"coats\x1fcoats-{n}")
    overall = ask(api, surface, limit=3, exclude=",".join(f"coats-{n}" for n in range(8)))
    assert (overall["fallback"], len(overall["items"])) == ("popular", 3)
    filled = ask(api, surface, limit=20, max_price=30)
    assert filled["fallback"] == own["fallback"]
    assert {"bags-0", "신발-0", "bags-2", "coats-2"} <= set(ids(filled))
    nothing = ask(api, surface, min_price=1e6)
    assert (nothing["fallback"], nothing["items"]) == ("none", [])


@pytest.mark.parametrize("surface", ALL)
def test_reasons_add_up_and_every_answer_is_logged(api: httpx.Client, shop: Shop, config: Config, surface: str) -> None:
    answer = api.get(httpx.URL(path(surface)).copy_merge_params({"limit": 12, "explain": True}))
    found = answer.json()
    for item in found["items"]:
        assert sum(r["contribution"] for r in item["reasons"]) == pytest.approx(item["score"], abs=1e-9)
    assert wait_until(lambda: bool(records(config, EXPOSURE_CANDIDATES)), 10)
    ((key, logged),) = records(config, EXPOSURE_CANDIDATES)
    assert (key, logged["surface"], logged["request_id"], logged["user_id"]) == (
        "u-1",
        surface,
        answer.headers["x-request-id"],
        "u-1",
    )
    assert [(one["item_id"], one["position"]) for one in logged["items"]] == [(i, n) for n, i in enumerate(ids(found))]
    assert logged["fallback"] == found["fallback"]
