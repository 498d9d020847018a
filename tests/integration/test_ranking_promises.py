"""What rankings promise, from Kafka through the real queries and sinks to the API: bots, clocks, restarts, merges."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from batch import facts as batch_facts
from common.config import Config
from streaming import facts, lake
from tests.integration.test_stream import event, send

NAMES = ("views-10m", "views-1h", "views-24h", "popular-30m", "popular", "popular-7d")
Start = Callable[[Any], StreamingQuery]


@pytest.fixture
def start(config: Config, spark: SparkSession) -> Iterator[Start]:
    """Starts a query that is stopped at the end."""
    started: list[StreamingQuery] = []

    def begin(module: Any) -> StreamingQuery:
        started.append(module.start(spark, config))
        return started[-1]

    yield begin
    for query in started:
        query.stop()


@pytest.fixture
def config(config: Config) -> Config:
    slow = dataclasses.replace(config.streaming, watermark="10 minutes", lake_trigger="0 seconds")
    return dataclasses.replace(config, streaming=slow)


def top(api: httpx.Client, name: str, limit: int = 10) -> dict[str, float]:
    answer = api.get(f"/v1/rankings/{name}", params={"limit": limit})
    assert answer.status_code == 200, answer.text
    return {row["item_id"]: row["score"] for row in answer.json()["items"]}


def test_ten_thousand_views_and_searches_of_one_user_move_nothing_into_a_top_10(
    config: Config, start: Start, api: httpx.Client
) -> None:
    viewers = [(f"item-{n}", f"u{who}") for n in range(12) for who in range(20 + n)]
    shop = [event(n, n % 6, user_id=who, item_id=item) for n, (item, who) in enumerate(viewers)]
    typed = [(f"word {n}", f"u{who}") for n in range(12) for who in range(20 + n)]
    common: dict[str, Any] = {"event_type": "search", "item_id": None, "category": None}
    shop += [event(9000 + n, n % 6, **common, query=word, user_id=who) for n, (word, who) in enumerate(typed)]
    send(config, shop)
    query = start(facts)
    query.processAllAvailable()
    before = {name: list(top(api, name)) for name in NAMES}
    words = [row["keyword"] for row in api.get("/v1/keywords/trending?limit=1000").json()["keywords"]]

    views = [event(20_000 + n, user_id="bot", item_id="pushed") for n in range(10_000)]
    searches = [event(40_000 + n, **common, query="spam", user_id="bot") for n in range(10_000)]
    send(config, [*views, *searches])
    query.processAllAvailable()
    assert top(api, "views-1h", 1000)["pushed"] == config.rankings.per_user
    assert {name: list(top(api, name)) for name in NAMES} == before
    assert [row["keyword"] for row in api.get("/v1/keywords/trending?limit=1000").json()["keywords"]] == words
    assert "spam" not in words


def test_clock_skew_between_producers_inside_the_watermark_changes_no_total(
    config: Config, start: Start, api: httpx.Client
) -> None:
    query = start(facts)
    wanted: Counter[str] = Counter()
    for step in range(6):  # the second producer's clock is five minutes behind the first's, the third's four ahead
        now = 10 - step
        rows = [(now, "first"), (now + 5, "second"), (max(0, now - 4), "third")]
        send(config, [event(100 * step + n, a, item_id=i, user_id=f"u{n}") for n, (a, i) in enumerate(rows * 7)])
        wanted.update(item for _, item in rows * 7)
        query.processAllAvailable()
    assert top(api, "views-1h") == dict(wanted) == {"first": 42, "second": 42, "third": 42}
    assert sum(s.numRowsDroppedByWatermark for p in query.recentProgress for s in p.stateOperators) == 0


def test_a_restart_a_late_batch_and_a_batch_run_again_make_no_jump_in_any_ranking(
    config: Config, start: Start, api: httpx.Client, spark: SparkSession
) -> None:
    rows = [(n, 8 + n % 80, f"item-{n % 17}", f"u{n % 9}") for n in range(600)]
    send(config, [event(n, ago, item_id=item, user_id=who) for n, ago, item, who in rows])
    first, into_lake = start(facts), start(lake)
    first.processAllAvailable()
    into_lake.processAllAvailable()
    into_lake.stop()  # from here on the lake lags behind: the batch is late
    send(config, [event(900 + n, n % 8, item_id=f"item-{n % 23}", user_id=f"u{n % 7}") for n in range(150)])
    first.processAllAvailable()
    before = {name: top(api, name, 1000) for name in NAMES}
    assert all(before.values())

    def nothing_has_jumped() -> None:
        for name in NAMES:
            assert top(api, name, 1000) == pytest.approx(before[name], rel=1e-9), name

    first.stop()
    second = start(facts)  # on the same checkpoint
    second.processAllAvailable()
    nothing_has_jumped()
    for _ in range(2):
        assert batch_facts.run(spark, config).status == "done"
        nothing_has_jumped()
    caught_up = start(lake)
    caught_up.processAllAvailable()
    assert batch_facts.run(spark, config).status == "done"
    nothing_has_jumped()
    second.stop()
    third = start(facts)
    third.processAllAvailable()
    nothing_has_jumped()
