"""/openapi.json says of every route which errors it answers: each is provoked here, and none is answered unsaid."""

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from common.config import ApiKey, Config
from serving.app import create_app
from tests.integration.conftest import Serve

FITTING = {"{name}": "popular", "{user_id}": "u-1", "{item_id}": "i-1"}
ERROR = {"$ref": "#/components/schemas/ErrorBody"}
OWN_SHAPE = {("get", "/readyz", "503")}


@pytest.fixture
def described(config: Config) -> dict[str, Any]:
    return create_app(config).openapi()


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, set[str]]]:
    """Method, path and described codes of each."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method, path, set(operation["responses"])


def fitting(path: str) -> str:
    for name, value in FITTING.items():
        path = path.replace(name, value)
    return path


def test_every_error_described_has_the_one_shape(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            for code, answer in operation["responses"].items():
                assert code != "422"
                if code >= "400" and (method, path, code) not in OWN_SHAPE:
                    assert answer["content"]["application/json"]["schema"] == ERROR, (method, path, code)
                if code in ("429", "503") and (method, path, code) not in OWN_SHAPE:
                    assert "Retry-After" in answer["headers"]
    assert not {name for name in described["components"]["schemas"] if "Validation" in name}


def test_every_ref_leads_somewhere(described: dict[str, Any]) -> None:
    def refs(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            yield from [part["$ref"]] if "$ref" in part else []
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            yield from refs(inner)

    names = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(refs(described)) <= names


def test_each_route_answers_what_it_says_and_nothing_else(
    config: Config, serve: Serve, described: dict[str, Any]
) -> None:
    provoked = {(method, path): provoke(config, serve, method, path) for method, path, _ in operations(described)}
    assert len(provoked) >= 13
    for method, path, codes in operations(described):
        said = {int(code) for code in codes if code not in ("200", "202", "500")}
        assert provoked[method, path] == said, (method, path)


_served: dict[str, httpx.Client] = {}


@pytest.fixture(autouse=True)
def served_anew() -> None:
    _served.clear()


def provoke(config: Config, serve: Serve, method: str, path: str) -> set[int]:
    """The errors that a route answers to what goes wrong in turn, each in the one shape."""
    keys = [ApiKey(hashlib.sha256(name.encode()).hexdigest(), [name]) for name in ("fraud", "admin")]  # type: ignore[list-item]
    away = dataclasses.replace(config.redis, url="redis://127.0.0.1:1/0")

    def api(name: str, changed: Config = config, **serving: Any) -> httpx.Client:
        if name not in _served:
            with_keys = dataclasses.replace(config.serving, api_keys=keys, **serving)
            _served[name] = serve(dataclasses.replace(changed, serving=with_keys))
        return _served[name]

    usual, admin = api("usual", max_body_bytes=1000), {"X-API-Key": "admin"}
    tried = [
        (usual, {}, "", b"{}"),
        (usual, {"X-API-Key": "fraud"}, "", b"{}"),
        (usual, admin, "?a=1&a=2", b"{}"),
        (usual, admin, "", bytes(1001)),
        (usual, admin | {"Content-Encoding": "br"}, "", b"{}"),
        (api("redis away", dataclasses.replace(config, redis=away)), admin, "", good_body()),
        *[(api("slow", requests_per_second=1), admin, "", b"{}")] * 3,
    ]
    if path == "/v1/rankings/{name}":
        tried.append((usual, admin, "no-such", b""))
    answers = [
        client.request(method, fitting(path) + query, headers=headers, content=body if method == "post" else None)
        for client, headers, query, body in tried
    ]
    errors = [answer for answer in answers if answer.status_code >= 400]
    for answer in errors:
        assert path == "/readyz" or set(answer.json()["error"]) == {"code", "message", "details"}
    return {answer.status_code for answer in errors}


def good_body() -> bytes:
    return (
        b'{"event_id": "described", "event_type": "search", "query": "coat", "user_id": "u",'
        b' "event_time": "2026-01-01T00:00:00Z"}'
    )
