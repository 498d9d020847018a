"""What a ranking was at a past minute, and its changes since an hour before: Redis' last day against pandas."""

import random
from datetime import datetime, timezone
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
import redis

from common.config import Config
from common.keys import Keys
from tests.integration.conftest import Serve
from tests.integration.item_rows import Fact, write

START = 29_000_000  # an epoch minute
SPAN = 2900
KINDS = {
    "views-10m": ("window", 10), "views-1h": ("window", 60), "views-24h": ("window", 1440),
    "popular-30m": ("decay", 30), "popular": ("decay", 1440), "popular-7d": ("decay", 10080),
}  # fmt: skip
PATHS = ("women", "women/shoes", "women-plus", "men")


def shop(seed: int = 3, rows: int = 4000) -> list[Fact]:
    draw = random.Random(seed)
    keys = {(START + draw.randrange(SPAN), draw.choice(PATHS), draw.randrange(25)) for _ in range(rows)}
    return [(m, path, f"{path}:{n}", draw.randrange(1, 9)) for m, path, n in sorted(keys)]


def scores(facts: list[Fact], name: str, at: int, top: str | None = None) -> pd.Series:
    """item → score at minute `at`, best first, equals by item: by pandas and the closed formula."""
    rows = pd.DataFrame(facts, columns=["minute", "category", "item", "views"])
    kind, minutes = KINDS[name]
    rows = rows[rows.minute <= at]
    if top is not None:
        rows = rows[(rows.category == top) | rows.category.str.startswith(f"{top}/")]
    if kind == "window":
        sums = rows[rows.minute > at - minutes].groupby("item").views.sum().astype(float)
    else:
        sums = (3 * rows.views * np.exp2((rows.minute - at) / minutes)).groupby(rows["item"]).sum()
        sums = sums[sums > 1e-9 * sums.max()]
    return (
        sums.reset_index(name="score").sort_values(["score", "item"], ascending=[False, True]).set_index("item").score
    )


def ask(api: httpx.Client, name: str, **parameters: Any) -> dict[str, Any]:
    answer = api.get(f"/v1/rankings/{name}", params={"limit": 1000, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def moment(minute: int, second: int = 0) -> str:
    return f"{datetime.fromtimestamp(minute * 60 + second, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def agrees(answer: dict[str, Any], facts: list[Fact], name: str, at: int, top: str | None = None) -> None:
    now, before = scores(facts, name, at, top), scores(facts, name, at - 60, top)
    found = {row["item_id"]: row for row in answer["items"]}
    old_news = 1e-11 * now.max()  # of what is 40 half-lives old a 10^-12 is left, which is not counted
    assert {item: row["score"] for item, row in found.items()} == pytest.approx(now.to_dict(), rel=1e-9, abs=old_news)
    views = scores(facts, "views-1h", at, top).to_dict()
    assert {item: row["views"] for item, row in found.items()} == {item: views.get(item, 0) for item in found}
    old = {item: rank for rank, item in enumerate(before.index, 1)}
    assert [(row["item_id"], row["change"], row["new"]) for row in answer["items"]] == [
        (item, old[item] - rank if item in old else None, item not in old) for rank, item in enumerate(now.index, 1)
    ]


@pytest.fixture
def facts(config: Config) -> list[Fact]:
    made = shop()
    for start in range(0, len(made), 500):
        write(config, made[start : start + 500])
    return made


@pytest.mark.parametrize("name", KINDS)
def test_the_change_since_an_hour_ago_is_that_of_pandas_for_all_and_for_a_sub_tree(
    api: httpx.Client, facts: list[Fact], name: str
) -> None:
    as_of = max(fact[0] for fact in facts)
    for top in (None, "women", "women/shoes", "men"):
        agrees(ask(api, name, **({"category": top} if top else {})), facts, name, as_of, top)


@pytest.mark.parametrize("name", KINDS)
def test_any_minute_of_the_last_day_equals_pandas_and_the_closed_formula(
    api: httpx.Client, facts: list[Fact], name: str
) -> None:
    as_of = max(fact[0] for fact in facts)
    for back in (1, 7, 61, 500, 1439, 1440):
        at, top = as_of - back, "women" if back % 2 else None
        answer = ask(api, name, at=moment(at, 59), **({"category": top} if top else {}))
        agrees(answer, facts, name, at, top)
        assert answer["as_of"] == moment(at).replace("Z", ".000Z")


def test_at_the_newest_minute_and_later_it_is_what_stands_now(api: httpx.Client, facts: list[Fact]) -> None:
    as_of = max(fact[0] for fact in facts)
    now = ask(api, "popular", limit=20)
    assert [ask(api, "popular", limit=20, at=moment(as_of + later)) for later in (0, 500)] == [now, now]


def test_what_is_sold_out_today_still_stands_in_the_past(
    serve: Serve, facts: list[Fact], config: Config, redis_conn: redis.Redis
) -> None:
    as_of = max(fact[0] for fact in facts)
    before = ask(serve(config), "popular", at=moment(as_of - 90))
    first = ask(serve(config), "popular", limit=1)["items"][0]["item_id"]
    redis_conn.hset(Keys(config.redis.prefix).product(first), "status", "withdrawn")
    assert ask(serve(config), "popular", limit=1)["items"][0]["item_id"] != first
    assert first in [row["item_id"] for row in before["items"]]
    after = ask(serve(config), "popular", at=moment(as_of - 90))
    sums = [[row.pop("score") for row in answer["items"]] for answer in (before, after)]
    assert after == before
    assert sums[1] == pytest.approx(sums[0], rel=1e-12)  # threads add in any order


def test_an_item_that_cannot_be_bought_moves_nobody(
    serve: Serve, facts: list[Fact], config: Config, redis_conn: redis.Redis
) -> None:
    before = {row["item_id"]: row["change"] for row in ask(serve(config), "popular")["items"]}
    first = ask(serve(config), "popular", limit=1)["items"][0]["item_id"]
    redis_conn.hset(Keys(config.redis.prefix).product(first), "status", "withdrawn")
    after = {row["item_id"]: row["change"] for row in ask(serve(config), "popular")["items"]}
    assert after == {item: change for item, change in before.items() if item != first}


def test_without_a_ranking_an_hour_ago_nothing_is_new_and_nothing_has_moved(api: httpx.Client, config: Config) -> None:
    write(config, [(START, "c", "i", 5), (START + 20, "c", "j", 3)])
    assert [(row["change"], row["new"]) for row in ask(api, "popular")["items"]] == [(None, False)] * 2


def test_corrected_rankings_use_the_factors_of_that_hour(
    api: httpx.Client, facts: list[Fact], config: Config, redis_conn: redis.Redis
) -> None:
    keys, as_of = Keys(config.redis.prefix), max(fact[0] for fact in facts)
    redis_conn.set(keys.live_corrections, "v")
    factors = {hour: {"women": 1 + hour / 24, "men": 2 - hour / 24, "*": 1.5} for hour in range(24)}
    for hour, of in factors.items():
        redis_conn.hset(keys.corrections("v", "popular-fair", hour), mapping=of)
    at = as_of - 300
    found = {row["item_id"]: row["score"] for row in ask(api, "popular-fair", at=moment(at))["items"]}
    hour = at // 60 % 24  # London in winter
    of = {item: factors[hour].get(item.split(":")[0], 1.5) for item in found}
    wanted = {item: score * of[item] for item, score in scores(facts, "popular", at).items()}
    assert found == pytest.approx(wanted, rel=1e-9, abs=0)
    assert list(found) == sorted(wanted, key=lambda item: (-wanted[item], item))
