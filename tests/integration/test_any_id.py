"""Any id is reachable: what is encoded belongs to the id, on every route; a plain slash separates."""

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
import redis

from common.config import Config
from common.events import ERASURES
from common.keys import Keys
from tests.event_factory import event
from tests.integration.topic_reader import records

ODD = (
    "price", "a/price", "kg", "kg/related", "kg/related/related", "a/recommendations/now", "/", "a/", "//a",
    "a%2Fb", "%", "%zz", "a?b=c", "a#b", "two words", "a+b", "a;b=1", "a,b", ".", "..", "../..", ".hidden",
    "사용자/🧥", "café", "e\u0301", "\u00a0x", "a\\b", "a:b@c", "'\"<>|^`~", "x" * 64, "가" * 64, "🧥" * 64,
)  # fmt: skip
USER_PATHS = ("profile", "recommendations/for-you", "recommendations/now", "recommendations/trending")


def send(api: httpx.Client, target: str, method: str = "GET") -> tuple[int, Any]:
    """Status and body for a request line exactly as given: httpx would resolve dots first."""
    connection = http.client.HTTPConnection(api.base_url.host, api.base_url.port, timeout=20)
    try:
        connection.putrequest(method, target)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, orjson.loads(answer.read())
    finally:
        connection.close()


def quoted(name: str) -> str:
    return quote(name, safe="")


def every_byte_encoded(name: str) -> str:
    return "".join(f"%{byte:02x}" for byte in name.encode())


@pytest.mark.parametrize("spelled", [quoted, every_byte_encoded])
def test_every_item_is_reached_by_its_id_and_by_no_other(
    api: httpx.Client, config: Config, redis_conn: redis.Redis, spelled: Callable[[str], str]
) -> None:
    keys = Keys(config.redis.prefix)
    for item in ODD:
        redis_conn.hset(keys.product(item), mapping={"title": f"title of {item}", "status": "active"})
    for item in ODD:
        status, body = send(api, f"/v1/items/{spelled(item)}")
        assert (status, body["item_id"], body["title"], body["fallback"]) == (200, item, f"title of {item}", None)
        for surface in ("related", "similar"):
            status, body = send(api, f"/v1/items/{spelled(item)}/{surface}")
            assert (status, body["item_id"], body["surface"]) == (200, item, surface)


def test_every_user_is_reached_by_their_id_on_every_route(api: httpx.Client) -> None:
    for user in ODD:
        api.post("/v1/events", json=event("view", user_id=user, item_id=f"seen by {user[:50]}"))
    for user in ODD:
        for path in USER_PATHS:
            status, body = send(api, f"/v1/users/{quoted(user)}/{path}")
            assert (status, body["user_id"]) == (200, user)
            if path == "profile":
                assert [action["item_id"] for action in body["recent"]] == [f"seen by {user[:50]}"]


def recent(api: httpx.Client, user: str) -> list[Any]:
    return api.get(f"/v1/users/{quoted(user)}/profile").json()["recent"]  # type: ignore[no-any-return]


def test_the_user_who_is_deleted_is_the_one_that_is_named(api: httpx.Client, config: Config) -> None:
    everybody = ("a", "a/b", "a%2Fb", "a/profile", "b")
    for user in everybody:
        api.post("/v1/events", json=event("view", user_id=user))
    assert send(api, "/v1/users/a%2Fb", "DELETE")[0] == 202
    assert send(api, "/v1/users/a%2fprofile", "DELETE")[0] == 202
    assert {user for user in everybody if recent(api, user)} == {"a", "a%2Fb", "b"}
    assert {noted["user"] for _, noted in records(config, ERASURES)} == {"a/b", "a/profile"}


@pytest.mark.parametrize("path", ["a/b", "a/", "a/profile/more", "a/recommendations", "a//profile"])
def test_a_plain_slash_never_deletes(api: httpx.Client, path: str) -> None:
    api.post("/v1/events", json={"events": [event("view", user_id=user) for user in ("a", path)]})
    status, body = send(api, f"/v1/users/{path}", "DELETE")
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert recent(api, "a") and recent(api, path)


def test_deleting_a_part_of_a_user_is_not_allowed(api: httpx.Client) -> None:
    assert send(api, "/v1/users/a/profile", "DELETE")[0] == 405


@pytest.mark.parametrize(
    ("path", "there_is"),
    [
        ("/v1/items/kg/price", "/price is not built yet"),
        ("/v1/items/kg/reviews", "/related"),
        ("/v1/items/a/b/related", "/similar"),
        ("/v1/items/a%2Fb/relatd", "/related"),
        ("/v1/items/a%2Fb/Related", "/related"),
        ("/v1/items/a%2Fb/related/", "/related"),
        ("/v1/items/a%2Fb/", "%2F"),
        ("/v1/items/a%2fb%2Fc/simila%72s", "/similar"),
        ("/v1/items/a/b/relatd", "%2F"),
        ("/v1/users/a%2Fb/profil", "/profile"),
        ("/v1/users/a%2Fb/recommendations/for_you", "/recommendations/for-you"),
        ("/v1/items/kg/", "%2F"),
        ("/v1/items/", "/v1/items/{id}"),
        ("/v1/items", "/v1/items/{id}"),
        ("/v1/users/a/b/profile", "/profile"),
        ("/v1/users/a", "/recommendations/for-you"),
        ("/v1/users/a/recommendations/foryou", "/recommendations/now"),
        ("/v1/users//profile", "%2F"),
        ("/v1/users/a/recommendations%2Fnow", "/recommendations/trending"),
        ("/v1/rankings/popular/coats", "/v1/rankings/{name}"),
        ("/v1/keywords/rising", "/v1/keywords/trending"),
        ("/v1%2Fitems/kg", "/docs"),
        ("/v1/itemz/kg", "/docs"),
        ("/no-such", "/docs"),
    ],
)
def test_what_is_not_there_is_404_with_what_there_is(api: httpx.Client, path: str, there_is: str) -> None:
    status, body = send(api, path)
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert there_is in body["error"]["message"]


@pytest.mark.parametrize("sent", ["a%00b", "a%1fb", "%7F", "%0A", "%01%2F", "%2F%00", "%FF", "%C3a", "%ED%A0%80"])
def test_what_no_id_can_hold_is_400_that_names_it(api: httpx.Client, sent: str) -> None:
    for path, field in (
        (f"/v1/items/{sent}", "item_id"),
        (f"/v1/items/{sent}/related", "item_id"),
        (f"/v1/users/{sent}/profile", "user_id"),
        (f"/v1/rankings/{sent}", "name"),
    ):
        status, body = send(api, path)
        assert (status, body["error"]["details"][0]["field"]) == (400, field), path
    assert send(api, f"/v1/users/{sent}", "DELETE")[0] == 400


def test_a_ranking_of_another_name_is_404_by_its_whole_name(api: httpx.Client) -> None:
    assert send(api, "/v1/rankings/popul%61r")[1]["ranking"] == "popular"
    status, body = send(api, "/v1/rankings/popular%2Fcoats")
    assert status == 404
    assert "no such ranking; there are: " in body["error"]["message"]


def test_fixed_parts_of_a_path_may_be_encoded_too(api: httpx.Client) -> None:
    assert send(api, "/%76%31/users/a/recommendations/for%2Dyou")[1]["surface"] == "for-you"


def test_metrics_and_openapi_know_routes_not_ids(api: httpx.Client) -> None:
    for path in ("items/kg%2Frelated", "items/kg%2Frelated/related", "users/a%2Fb/profile", "users/a/b"):
        send(api, f"/v1/{path}")
    text = api.get("/metrics").text
    for label in ("/items/{item_id}", "/items/{item_id}/related", "/users/{user_id}/profile", "unmatched"):
        assert f'http_request_seconds_count{{method="GET",route="{label}",' in text
    assert "kg" not in text
    paths = api.get("/openapi.json").json()["paths"]
    assert {"/v1/items/{item_id}/related", "/v1/users/{user_id}", "/v1/rankings/{name}"} <= set(paths)
    (parameter,) = [each for each in paths["/v1/items/{item_id}"]["get"]["parameters"] if each["in"] == "path"]
    assert (parameter["schema"]["type"], parameter["schema"]["maxLength"]) == ("string", 64)
