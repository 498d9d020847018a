"""HEAD is answered wherever GET is: load balancers and link checkers ask so."""

import httpx
import pytest

NEW_EACH_TIME = {"date", "x-request-id"}
PARAMETERS = {"{name}": "popular", "{user_id}": "a%2Fb", "{item_id}": "i-1"}
PAGES = ("/", "/docs", "/openapi.json", "/assets/page.js", "/favicon.ico")
WRONG = ("/no-such", "/v1/items/kg/reviews", "/v1/users/a", "/v1/rankings/no-such", "/v1/rankings/popular?limit=0")


def read_paths(api: httpx.Client) -> list[str]:
    """Every path of the API that GET is answered on, but for the counters, which count the asking."""
    known = api.get("/openapi.json").json()["paths"]
    found = [path for path, methods in known.items() if "get" in methods and path != "/metrics"]
    for name, value in PARAMETERS.items():
        found = [path.replace(name, value) for path in found]
    return found


def test_head_has_status_and_headers_of_get_and_no_body(api: httpx.Client) -> None:
    paths = [*read_paths(api), *PAGES, *WRONG]
    assert len(paths) >= 20
    for path in paths:
        got, head = api.get(path), api.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert headers(head) == headers(got), path
        assert int(head.headers["content-length"]) == len(got.content) > 0


def headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in NEW_EACH_TIME}


def test_a_connection_goes_on_after_head(api: httpx.Client) -> None:
    for _ in range(3):
        assert api.head("/healthz").status_code == 200
        assert api.get("/healthz").json() == {"alive": True}


def test_head_is_counted_as_head_under_its_route(api: httpx.Client) -> None:
    assert api.head("/v1/items/i-1").status_code == 200
    assert api.head("/metrics").status_code == 200
    counted = 'http_request_seconds_count{method="HEAD",route="/items/{item_id}",status="200"} 1.0'
    assert counted in api.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/healthz", "GET, HEAD"), ("HEAD", "/v1/events", "POST"), ("PUT", "/", "GET, HEAD")],
)
def test_what_is_not_allowed_says_what_is(api: httpx.Client, method: str, path: str, allowed: str) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
