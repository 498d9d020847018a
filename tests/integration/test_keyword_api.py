"""GET /v1/keywords/trending on a real Redis: what rises is shown, precisely, and nothing else gets in."""

import dataclasses

import httpx
import pytest
import redis

from common.config import Config
from common.keys import Keys
from tests.event_factory import event
from tests.integration.conftest import Serve
from tests.integration.search_rows import START, Fact, write

PATH = "/v1/keywords/trending"
END = START + 240


def calm() -> list[Fact]:
    """Four hours in which 'coat' has 30 searchers a minute and 'wool' 3."""
    usual = [(START + m, f"u{m % 7}-{n}", "coat") for m in range(240) for n in range(30)]
    return usual + [(START + m, f"u{m % 7}-{n}", "Wool") for m in range(240) for n in range(3)]


def calm_with(config: Config, facts: list[Fact]) -> None:
    before = calm()
    for start in range(START, END, 20):
        write(config, [fact for fact in before if start <= fact[0] < start + 20])
    write(config, facts)


def trending(api: httpx.Client, **parameters: object) -> list[dict[str, object]]:
    answer = api.get(PATH, params=parameters)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()["keywords"]  # type: ignore[no-any-return]


def test_what_rises_is_ranked_above_what_is_merely_frequent(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    linen = [(END - 1, f"p{n}", "Linen Shirt" if n % 3 else "linenshirt") for n in range(25)]
    dress = [(END - 1, f"p{n}", "여름원피스") for n in range(12)]
    calm_with(config, [*linen, *dress])
    answer = api.get(PATH).json()
    first = answer["keywords"][0]
    assert answer["as_of"].endswith(":00.000Z")
    assert [(row["rank"], row["keyword"], row["searches"]) for row in answer["keywords"]] == [
        (1, "Linen Shirt", 25), (2, "여름원피스", 12),
    ]  # fmt: skip
    assert set(first) == {"rank", "keyword", "searches", "baseline", "score", "change"}
    # 230 minutes are before the window; with a half-life of 120 they weigh what this sums up
    mass = sum(2 ** (-age / 120) for age in range(10, 240))
    assert first["baseline"] == pytest.approx(0.5 / (mass + 5) * 10, abs=1e-3)
    assert first["change"] == 25
    assert [row["keyword"] for row in trending(api, limit=1)] == ["Linen Shirt"]


def test_a_bot_with_10000_searches_from_one_user_moves_nothing(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    bot = [(END - 1 - n % 10, "bot", f"{'spam' if n % 2 else 'S p a m'}{' ' * (n % 5)}") for n in range(10_000)]
    bot += [(END - 1, "bot", f"spam {n}") for n in range(10_000)]
    real = [(END - 1, f"p{n}", "linen") for n in range(9)]
    calm_with(config, [*bot, *real])
    assert [row["keyword"] for row in trending(api, limit=1000)] == ["linen"]


def test_yesterdays_trend_leaves(api: httpx.Client, config: Config, redis_conn: redis.Redis) -> None:
    calm_with(config, [(END - 1, f"p{n}", "linen") for n in range(25)])
    write(config, [(END + 9, f"u{n}", "coat") for n in range(30)])
    assert trending(api) == []


def test_when_only_other_events_come_the_window_moves_on(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    calm_with(config, [(END - 1, f"p{n}", "linen") for n in range(25)])
    redis_conn.set(Keys(config.redis.prefix).as_of, END + 15)
    assert trending(api) == []


def test_markup_is_answered_as_text_and_the_blocklist_holds(
    serve: Serve, config: Config, redis_conn: redis.Redis
) -> None:
    texts = ["<img src=x onerror=alert(1)>", "'; DROP TABLE items;--", "Bad  Word", "bad\x00word\u202e", "a bad word b"]
    calm_with(config, [(END - 1, f"p{n}", text) for text in texts for n in range(20)])
    keywords = dataclasses.replace(config.keywords, blocklist=["bad word"])
    api = serve(dataclasses.replace(config, keywords=keywords))
    assert {row["keyword"] for row in trending(api)} == set(texts[:2])
    assert api.get(PATH).headers["content-type"] == "application/json"


def test_what_shows_nothing_does_not_trend_and_does_not_split_what_does(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    signs = ("\u3164", "\u2800", "\u3164 \u2800", "\u0301\u0302", "\u202e\u200b", "\ufe0f\U000e0041")
    unseen = [(END - 1, f"p{n}", sign) for sign in signs for n in range(8)]
    linen = [(END - 1, f"p{n}", "li\u3164nen" if n % 2 else "linen\u2800") for n in range(8)]
    calm_with(config, [*unseen, *linen])
    assert [(row["keyword"], row["searches"]) for row in trending(api, limit=1000)] == [("linen", 8)]


def test_nothing_yet_is_an_empty_answer(api: httpx.Client) -> None:
    assert api.get(PATH).json() == {"as_of": None, "keywords": []}


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "ten", "", "1.5"])
def test_a_limit_outside_its_bounds_is_refused_by_name(api: httpx.Client, limit: str) -> None:
    answer = api.get(PATH, params={"limit": limit})
    assert answer.status_code == 400
    assert "limit" in answer.text


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (None, "is required for this event_type"),
        ("", "is required for this event_type"),
        ("x" * 201, "must be at most 200 characters"),
    ],
)
def test_a_search_without_a_fit_query_is_rejected(api: httpx.Client, query: object, reason: str) -> None:
    body = event("search", query="x") | {"query": query}
    rejected = api.post("/v1/events", json=body).json()["rejected"]
    assert [(one["field"], one["reason"]) for one in rejected] == [("query", reason)]


def test_the_route_is_documented_and_on_the_page(api: httpx.Client) -> None:
    assert PATH in api.get("/openapi.json").json()["paths"]
    assert 'id="keywords"' in api.get("/").text
    assert PATH in api.get("/assets/page.js").text
