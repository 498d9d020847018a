"""Pages of other origins: let in where the configuration names them, with preflights, errors included; else not."""

import dataclasses
import hashlib
from collections.abc import Callable

import httpx
import orjson
import pytest

from common.config import ApiKey, Config
from tests.event_factory import event
from tests.integration.conftest import Serve

SHOP, OTHER = "https://shop.example", "https://other.example"
KEY = "from the page"
Open = Callable[..., httpx.Client]


@pytest.fixture
def opened(config: Config, serve: Serve) -> Open:
    """An API for these origins, with a key for events and one request a second."""

    def open_for(*origins: str, **changes: object) -> httpx.Client:
        key = ApiKey(hashlib.sha256(KEY.encode()).hexdigest(), ["ingest"])
        serving = dataclasses.replace(config.serving, cors_origins=list(origins), api_keys=[key], **changes)
        return serve(dataclasses.replace(config, serving=serving))

    return open_for


def preflight(api: httpx.Client, origin: str, method: str = "POST", path: str = "/v1/events") -> httpx.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-encoding,content-type,x-api-key",
    }
    return api.options(path, headers=asked)


def allowed(answer: httpx.Response) -> str | None:
    return answer.headers.get("access-control-allow-origin")


def test_nobody_is_let_in_without_configuration(api: httpx.Client) -> None:
    refused = preflight(api, SHOP)
    assert (refused.status_code, allowed(refused)) == (405, None)
    answer = api.get("/healthz", headers={"Origin": SHOP})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_preflight_needs_no_key_and_takes_nothing_off_the_rate(opened: Open) -> None:
    api = opened(SHOP, requests_per_second=1)
    for _ in range(5):
        answer = preflight(api, SHOP)
        assert (answer.status_code, allowed(answer)) == (200, SHOP)
    assert answer.headers["access-control-allow-credentials"] == "true"
    headers = {"Origin": SHOP, "X-API-Key": KEY}
    posted = api.post("/v1/events", json=event(), headers=headers)
    assert (posted.status_code, allowed(posted)) == (202, SHOP)
    assert "X-Request-Id" in posted.headers["access-control-expose-headers"]


def test_only_the_origins_named_are_let_in(opened: Open) -> None:
    api = opened(SHOP)
    for origin in (OTHER, "null", f"{SHOP}.evil.example", "http://shop.example", f"{SHOP}:8443"):
        assert (preflight(api, origin).status_code, allowed(preflight(api, origin))) == (400, None)
        answer = api.get("/healthz", headers={"Origin": origin})
        assert (allowed(answer), answer.headers["vary"]) == (None, "Origin")


def test_no_page_may_erase_anybody(opened: Open) -> None:
    for api in (opened(SHOP), opened("*")):
        assert preflight(api, SHOP, "DELETE", "/v1/users/u-1").status_code == 400


def test_everybody_is_let_in_without_credentials(opened: Open) -> None:
    api = opened("*")
    posted = api.post("/v1/events", json=event(), headers={"Origin": OTHER, "X-API-Key": KEY, "Cookie": "a=b"})
    assert posted.status_code == 202
    for answer in (preflight(api, OTHER), posted):
        assert (allowed(answer), "access-control-allow-credentials" in answer.headers) == ("*", False)


def test_a_page_can_read_why_it_is_refused(opened: Open) -> None:
    api = opened(SHOP, requests_per_second=4)
    page = {"Origin": SHOP, "X-API-Key": KEY}
    bad = {"content": b"{", "headers": page}
    answers = [
        api.post("/v1/events", content=orjson.dumps(event()), headers={"Origin": SHOP}),
        api.get("/v1/rankings/popular", headers=page),
        api.post("/v1/events", **bad),  # type: ignore[arg-type]
        api.get("/v1/no-such", headers=page),
    ]
    while answers[-1].status_code != 429:
        answers.append(api.get("/v1/no-such", headers=page))
    assert [answer.status_code for answer in answers][:4] == [401, 403, 400, 404]
    assert {allowed(answer) for answer in answers} == {SHOP}
    assert all(answer.json()["error"]["message"] for answer in answers)
