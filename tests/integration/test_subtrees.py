"""A category answers for its whole sub-tree, exactly and also with thousands below it; what cannot be bought is out."""

import random
from typing import Any

import httpx
import pandas as pd
import pytest
import redis

from common.config import Config
from common.keys import ALL, Keys, member
from tests.integration.conftest import Serve
from tests.integration.item_rows import Fact, write

START = 29_000_000
PATHS = ("women", "women/shoes", "women/shoes/boots", "women/shoes/flats", "women-plus", "women0", "men/shoes")


def shop(seed: int = 5) -> list[Fact]:
    draw = random.Random(seed)
    return [
        (START + draw.randrange(40), path, f"{path}:{n}", draw.randrange(1, 12)) for path in PATHS for n in range(30)
    ]


def ranked(api: httpx.Client, name: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = api.get(f"/v1/rankings/{name}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("top", ["women", "women/shoes", "women/shoes/boots", "men", "women-plus", "wom", None])
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_a_sub_tree_equals_pandas(config: Config, api: httpx.Client, top: str | None, limit: int) -> None:
    facts = shop()
    write(config, facts)
    rows = pd.DataFrame(facts, columns=["minute", "category", "item_id", "score"])
    if top is not None:
        rows = rows[(rows.category == top) | rows.category.str.startswith(f"{top}/")]
    sums = rows.groupby(["item_id", "category"], as_index=False).score.sum()
    wanted = sums.sort_values(["score", "item_id"], ascending=[False, True]).head(limit)
    found = ranked(api, "views-1h", limit=limit, **({} if top is None else {"category": top}))
    assert [(row["item_id"], row["category"], row["views"]) for row in found] == [
        (row.item_id, row.category, row.score) for row in wanted.itertuples()
    ]


def test_three_thousand_categories_below_one_are_answered_exactly(
    config: Config, api: httpx.Client, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    draw = random.Random(4)
    scores = {(f"all/{n}", f"i{n}-{k}"): float(draw.randrange(1, 10**6)) for n in range(3000) for k in range(3)}
    pipeline = redis_conn.pipeline()
    for (category, item), score in scores.items():
        pipeline.zadd(keys.ranking("views-1h", category), {member(category, item): score})
        pipeline.zadd(keys.tree, {category: 0})
    pipeline.execute()
    wanted = sorted(((-score, item) for (_, item), score in scores.items()))[:50]
    assert [(-row["score"], row["item_id"]) for row in ranked(api, "views-1h", category="all", limit=50)] == wanted


@pytest.mark.parametrize("top", [None, "c", "c/3"])
@pytest.mark.parametrize("name", ["views-1h", "popular-fair"])
def test_five_thousand_equals_go_by_item_id_whatever_their_category(
    config: Config, serve: Serve, redis_conn: redis.Redis, name: str, top: str | None
) -> None:
    keys = Keys(config.redis.prefix)
    draw = random.Random(7)
    items = [f"i{n:05d}" for n in draw.sample(range(100_000), 5003)]
    views = {item: (f"c/{n % 5}", 1 + (n < 3)) for n, item in enumerate(items)}  # all but three once
    write(config, [(START, category, item, count) for item, (category, count) in views.items()])
    redis_conn.set(keys.live_corrections, "v")
    for hour in range(24):
        redis_conn.hset(keys.corrections("v", "popular-fair", hour), mapping={"*": 2.0})
    inside = [(-count, item) for item, (category, count) in views.items() if top in (None, "c", category)]
    wanted = [item for _, item in sorted(inside)]
    for gone in (0, 600):  # the first of them are sold out: more are looked at until the limit is full
        for item in wanted[:gone]:
            redis_conn.hset(keys.product(item), "status", "withdrawn")
        api = serve(config)
        for limit in (1, 20, 1000):
            found = ranked(api, name, limit=limit, **({} if top is None else {"category": top}))
            assert [row["item_id"] for row in found] == wanted[gone : gone + limit]


def test_equals_in_very_many_categories_still_fill_the_limit(config: Config, serve: Serve) -> None:
    write(config, [(START, f"c{n % 300:03d}", f"i{n}", 1) for n in range(3000)])
    for limit in (1, 20, 1000):
        found = ranked(serve(config), "views-1h", limit=limit)
        assert len({row["item_id"] for row in found}) == limit


def test_what_is_withdrawn_or_out_of_stock_is_left_out_and_the_limit_still_filled(
    config: Config, api: httpx.Client, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    write(config, [(START, "a", f"i{n:03d}", 500 - n) for n in range(400)])
    for n in range(300):
        gone = {"status": "withdrawn"} if n % 2 else {"status": "active", "stock": 0}
        redis_conn.hset(keys.product(f"i{n:03d}"), mapping=gone)
    redis_conn.hset(keys.product("i300"), mapping={"status": "active", "stock": 2})
    for name in ("views-1h", "popular"):
        found = ranked(api, name, limit=20)
        assert [(row["rank"], row["item_id"]) for row in found] == [(n + 1, f"i{300 + n}") for n in range(20)]
    assert len(ranked(api, "views-1h", limit=1000)) == 100
    assert redis_conn.zcard(keys.ranking("views-1h", ALL)) == 400


def test_an_item_without_views_in_the_hour_has_none_also_when_redis_has_forgotten_its_scripts(
    config: Config, api: httpx.Client, redis_conn: redis.Redis
) -> None:
    write(config, [(START, "women", "seen-before", 5), (START + 90, "women", "seen-now", 3)])
    assert {row["item_id"]: row["views"] for row in ranked(api, "views-24h")} == {"seen-before": 0, "seen-now": 3}
    redis_conn.script_flush()
    assert {row["item_id"]: row["views"] for row in ranked(api, "views-24h")} == {"seen-before": 0, "seen-now": 3}
