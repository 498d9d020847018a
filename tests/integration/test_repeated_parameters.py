"""A query parameter given twice is refused by name, on every route; only a list may be given in parts."""

import httpx
import pytest

from tests.event_factory import event

ALL = "limit category min_price max_price style explain"
ROUTES = {
    "/v1/rankings/popular": "limit category at",
    "/v1/keywords/trending": "limit",
    "/v1/users/a/recommendations/for-you": ALL,
    "/v1/users/a/recommendations/now": ALL,
    "/v1/users/a/recommendations/trending": ALL,
    "/v1/items/a/related": f"{ALL} user_id",
    "/v1/items/a/similar": f"{ALL} user_id",
}


@pytest.mark.parametrize("path", ROUTES)
def test_a_parameter_given_twice_is_refused_by_name(api: httpx.Client, path: str) -> None:
    for name in ROUTES[path].split():
        for values in (("10", "20"), ("10", "10"), ("", ""), ("10", "")):
            answer = api.get(f"{path}?{name}={values[0]}&{name}={values[1]}")
            assert answer.status_code == 400
            assert answer.json()["error"]["details"] == [{"field": name, "reason": "is given more than once"}]


@pytest.mark.parametrize(
    "query", ["li%6Dit=3&limit=4", "limit=3&category=a&%6c%69mit=3", "limit&limit", "limit=3&limit"]
)
def test_a_parameter_is_the_same_however_it_is_spelled(api: httpx.Client, query: str) -> None:
    answer = api.get(f"/v1/rankings/popular?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "limit: is given more than once"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/items/a"), ("GET", "/v1/users/a/profile"), ("DELETE", "/v1/users/a")]
)
def test_a_route_without_parameters_names_the_one_it_does_not_have(api: httpx.Client, method: str, path: str) -> None:
    answer = api.request(method, f"{path}?limit=3&limit=4")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "limit: unknown parameter; allowed here: none"


def test_events_with_a_parameter_twice_are_not_taken(api: httpx.Client) -> None:
    answer = api.post("/v1/events?source=a&source=b", json=event())
    assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "source")
    assert api.post("/v1/events?source=a", json=event()).json()["accepted"] == 1


def test_what_is_excluded_may_be_given_in_parts(api: httpx.Client) -> None:
    for surface in ("users/a/recommendations/for-you", "items/a/related"):
        assert api.get(f"/v1/{surface}?exclude=i-1&limit=3&exclude=i-2&exclude=i-1").status_code == 200


def test_values_that_hold_an_encoded_ampersand_are_one_value(api: httpx.Client) -> None:
    assert api.get("/v1/rankings/popular?category=a%26limit%3D2&limit=3").status_code == 200
