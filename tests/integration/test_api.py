"""The read API against a real Redis and Kafka: rankings, For You, profile, items, errors, keys."""

import dataclasses
import hashlib
import time
from urllib.parse import quote

import httpx
import orjson
import pytest
import redis

from common.config import ApiKey, Config
from tests.event_factory import event
from tests.integration.conftest import Serve
from tests.integration.shop_in_redis import Shop


@pytest.fixture
def shop(config: Config, redis_conn: redis.Redis) -> Shop:
    return Shop(config, redis_conn).open()


def for_you(api: httpx.Client, user: str, **parameters: object) -> dict[str, object]:
    answer = api.get(f"/v1/users/{quote(user, safe='')}/recommendations/for-you", params=parameters)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def ids(answer: dict[str, object]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]  # type: ignore[attr-defined]


def test_rankings_are_those_of_redis_with_scores_as_of_now(api: httpx.Client, shop: Shop) -> None:
    answer = api.get("/v1/rankings/popular", params={"limit": 2}).json()
    assert {name: answer[name] for name in ("ranking", "category", "as_of", "horizon")} == {
        "ranking": "popular", "category": None, "as_of": "2025-02-19T21:20:00.000Z", "horizon": None,
    }  # fmt: skip
    assert answer["items"] == [
        {"rank": 1, "item_id": "coats-0", "category": "coats", "score": 50.0, "views": 8, "change": 0, "new": False},
        {"rank": 2, "item_id": "신발-0", "category": "신발", "score": 49.5, "views": 8, "change": 0, "new": False},
    ]
    views = api.get("/v1/rankings/views-1h", params={"limit": 4, "category": "신발"}).json()
    assert [(item["item_id"], item["views"]) for item in views["items"]] == [(f"신발-{n}", 8 - n) for n in range(4)]


def test_equals_at_the_end_of_a_ranking_are_cut_by_item_id(api: httpx.Client, shop: Shop) -> None:
    assert ids(api.get("/v1/rankings/views-1h", params={"limit": 2}).json()) == ["bags-0", "coats-0"]


def test_nothing_yet_is_an_empty_answer(api: httpx.Client) -> None:
    ranking = api.get("/v1/rankings/views-1h").json()
    assert (ranking["items"], ranking["as_of"]) == ([], None)
    nobody = for_you(api, "nobody")
    assert (nobody["items"], nobody["fallback"], nobody["model_version"]) == ([], "none", None)
    assert api.get("/v1/items/none").json()["fallback"] == "unknown-item"
    assert api.get("/v1/users/nobody/profile").json()["categories"] == []


def test_a_click_changes_the_next_for_you_of_that_user_only(api: httpx.Client, shop: Shop) -> None:
    shop.train("u-1", {"coats-5": 1.0, "coats-6": 0.9, "bags-7": 0.2})
    before, other = for_you(api, "u-1"), for_you(api, "u-2")
    assert before["fallback"] is None
    assert ids(before)[:2] == ["coats-5", "coats-6"]
    assert "bags-7" in ids(before)  # three are fewer than asked for: popular items fill the list
    assert "신발-3" not in ids(before)[:3]
    api.post("/v1/events", json=event("click", item_id="신발-3"))
    after = for_you(api, "u-1", explain=True)
    assert after["fallback"] is None
    assert "신발-0" in ids(after)
    reasons = {item["item_id"]: {r["signal"] for r in item["reasons"]} for item in after["items"]}  # type: ignore[attr-defined]
    assert {"category", "trend"} <= reasons["신발-0"]
    for item in after["items"]:  # type: ignore[attr-defined]
        assert sum(r["contribution"] for r in item["reasons"]) == pytest.approx(item["score"], abs=1e-9)
    assert for_you(api, "u-2") == other


def test_users_without_a_model_get_named_fallbacks(api: httpx.Client, shop: Shop) -> None:
    first = for_you(api, "u-1", limit=3)
    assert (first["fallback"], ids(first)) == ("popular", ["coats-0", "신발-0", "bags-0"])
    api.post("/v1/events", json=event("view", item_id="bags-0"))
    then = for_you(api, "u-1", limit=3)
    assert then["fallback"] == "popular-in-category"
    assert all(item.startswith("bags-") for item in ids(then))


def test_what_was_bought_is_gone_and_filters_hold(api: httpx.Client, shop: Shop) -> None:
    shop.connection.sadd(shop.keys.bought("u-1"), "bags-0")
    api.post("/v1/events", json=event("purchase", item_id="bags-1", order_id="o-1"))
    found = for_you(api, "u-1", limit=1000, category="bags", min_price=10, max_price=40)
    assert ids(found) == ["bags-2", "bags-3"]


@pytest.mark.parametrize("filters", [{"category": "no such"}, {"min_price": 1000}])
def test_where_nothing_can_be_given_the_fallback_is_none(
    api: httpx.Client, shop: Shop, filters: dict[str, object]
) -> None:
    shop.train("u-2", {"coats-5": 1.0})
    nobody, known = (for_you(api, user, limit=3, **filters) for user in ("u-1", "u-2"))
    assert (nobody["items"], nobody["fallback"]) == ([], "none")
    assert (known["items"], known["fallback"]) == ([], "none")  # nor has the model, which knows u-2, anything


def test_the_profile_shows_what_was_just_done(api: httpx.Client, shop: Shop) -> None:
    user = "사용자/🧥"
    api.post("/v1/events", json={"events": [event("view", user_id=user, item_id="신발-1")]})
    found = api.get(f"/v1/users/{quote(user, safe='')}/profile").json()
    assert (found["user_id"], found["interest_category"], found["current_category"]) == (user, "신발", "신발")
    assert found["categories"] == [{"category": "신발", "weight": 1.0}]
    assert found["price_band"] == {"low": 20.0, "typical": 20.0, "high": 20.0}
    assert found["pattern"]["counts"] == {"view": 1}
    assert found["recent"][0]["item_id"] == "신발-1"


def test_an_item_is_what_the_catalogue_says(api: httpx.Client, shop: Shop) -> None:
    found = api.get("/v1/items/bags-2").json()
    assert (found["title"], found["price"], found["stock"], found["fallback"]) == ("bags 2", 30.0, 3, None)


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/v1/rankings/popular?limit=0", 400, "limit"),
        ("/v1/rankings/popular?limit=1001", 400, "limit"),
        ("/v1/rankings/popular?limit=x", 400, "limit"),
        ("/v1/rankings/popular?limit=-1", 400, "limit"),
        ("/v1/rankings/popular?limit=1000000000", 400, "limit"),
        ("/v1/rankings/popular?category=" + "x" * 65, 400, "category"),
        ("/v1/rankings/" + "x" * 65, 400, "name"),
        ("/v1/rankings/popular?category=%00", 400, "category"),
        ("/v1/rankings/no-such", 404, None),
        ("/v1/users/" + "x" * 65 + "/profile", 400, "user_id"),
        ("/v1/users/a%00b/profile", 400, "user_id"),
        ("/v1/users/a/recommendations/for-you?min_price=nan", 400, "min_price"),
        ("/v1/users/a/recommendations/for-you?min_price=-1", 400, "min_price"),
        ("/v1/users/a/recommendations/for-you?min_price=5&max_price=2", 400, "min_price"),
        ("/v1/users/a/recommendations/for-you?style=", 400, "style: must not be empty"),
        ("/v1/users/a/recommendations/for-you?explain=perhaps", 400, "explain"),
        ("/v1/users/a/recommendations/now?exclude=" + "x" * 65, 400, "exclude"),
        ("/v1/users/a/recommendations/trending?exclude=" + ",".join(map(str, range(201))), 400, "exclude"),
        ("/v1/items/a/related?limit=0", 400, "limit"),
        ("/v1/items/a/similar?user_id=" + "x" * 65, 400, "user_id"),
        ("/v1/items/" + "x" * 65, 400, "item_id"),
        ("/v1/items/%E3%85%A4", 400, "item_id: must be text that shows something, starts with none of [ { * and has"),
        ("/v1/rankings/popular?category=%00", 400, "category: must be text that shows something, starts with none of"),
        ("/v1/rankings/popular?limt=5", 400, "limt"),
        ("/v1/items/a?limit=5", 400, "limit"),
        ("/v1/users/a/profile?%F0%9F%A7%A5", 400, "🧥"),
        ("/no-such", 404, None),
        ("/v1/events", 405, None),
        ("/v1/users/u1/recommendations/foryou?explain=true", 404, None),
    ],
)
def test_errors_have_one_shape_and_name_the_field(api: httpx.Client, path: str, status: int, field: str | None) -> None:
    answer = api.get(path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details"}
    if field is not None:
        assert error["details"][0]["field"] == field.split(":")[0]
        assert field in error["message"]


def test_an_unknown_parameter_is_refused_with_what_is_allowed(api: httpx.Client) -> None:
    path = "/v1/users/a/recommendations/for-you"
    error = api.get(path, params={"limit": 5, "max_prize": 3}).json()["error"]
    allowed = "limit, category, min_price, max_price, style, exclude, explain"
    assert error["message"] == f"max_prize: unknown parameter; allowed here: {allowed}"
    known = {"limit": 5, "category": "bags", "min_price": 1, "max_price": 3, "explain": True}
    assert api.get(path, params=known).status_code == 200  # type: ignore[arg-type]


def test_keys_open_their_scopes_only(config: Config, serve: Serve) -> None:
    keys = [
        ApiKey(hashlib.sha256(name.encode()).hexdigest(), [name])  # type: ignore[list-item]
        for name in ("ingest", "read", "admin")
    ]
    api = serve(dataclasses.replace(config, serving=dataclasses.replace(config.serving, api_keys=keys)))
    wanted = {None: (401, 401), "wrong": (401, 401), "ingest": (202, 403), "read": (403, 200), "admin": (202, 200)}
    for key, expected in wanted.items():
        headers = {"X-API-Key": key} if key else {}
        posted = api.post("/v1/events", json=event(), headers=headers)
        got = api.get("/v1/rankings/popular", headers=headers)
        assert (posted.status_code, got.status_code) == expected
    assert api.get("/healthz").status_code == 200


def test_readiness_names_what_is_missing(api: httpx.Client, shop: Shop) -> None:
    first = api.get("/readyz")
    assert first.status_code == 503
    assert {name: part["ok"] for name, part in first.json()["parts"].items()} == {
        "redis": True, "kafka": True, "stream": False, "lake": False, "catalog": False, "model": True, "messages": True,
    }  # fmt: skip
    now = time.time_ns() // 1_000_000
    for written, status in ((now, 200), (now - 61_000, 503)):
        shop.report(written)
        answer = api.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (status, status == 200)
    assert answer.json()["parts"]["model"]["detail"] == "none yet"


def test_a_dead_lake_is_named_and_can_be_alerted_by_but_does_not_stop_serving(
    api: httpx.Client, shop: Shop, redis_conn: redis.Redis
) -> None:
    now = time.time_ns() // 1_000_000
    shop.report(now)
    for query, age in (("lake", 400), ("catalog", 3)):
        report = {"written_at_ms": now, "progress_at_ms": now - age * 1000, "batch_id": 7, "failures": 2}
        redis_conn.set(shop.keys.progress(query), orjson.dumps(report))
    answer = api.get("/readyz")
    parts = answer.json()["parts"]
    assert (answer.status_code, parts["lake"]["ok"], parts["lake"]["needed"], parts["catalog"]["ok"]) == (
        200, False, False, True,
    )  # fmt: skip
    assert "stuck: batch 7" in parts["lake"]["detail"]
    assert "2 failures in a row" in parts["lake"]["detail"]
    redis_conn.delete(shop.keys.progress("catalog"))
    assert "'catalog' is not running, or fails" in api.get("/readyz").json()["parts"]["catalog"]["detail"]
    lines = api.get("/metrics").text.splitlines()
    ages = {line.split('"')[1]: float(line.split()[-1]) for line in lines if "query_age_seconds{" in line}
    assert ages.keys() == {"facts", "lake", "catalog"}
    assert 400 <= ages["lake"] < 430
    assert ages["facts"] < 30
    assert ages["catalog"] == float("inf")


def test_the_pages_come_with_all_they_need_from_here(api: httpx.Client) -> None:
    for path in ("/", "/docs"):
        page = api.get(path)
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "http://" not in page.text
        assert "https://" not in page.text
    for name in ("page.js", "surfaces.js", "page.css", "docs.js"):
        assert api.get(f"/assets/{name}").status_code == 200
    paths = api.get("/openapi.json").json()["paths"]
    assert {"/v1/events", "/v1/rankings/{name}", "/v1/items/{item_id}"} <= set(paths)
