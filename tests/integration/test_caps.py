"""One person counts so often an item and hour in rankings: the stream against a count by hand, batch against both."""

import random
from collections import Counter, defaultdict
from typing import Any

import pytest
import redis
from pyspark.sql import SparkSession

from batch import facts
from batch.tables import append
from common.config import Config
from common.facts.aggregate import aggregate
from common.keys import Keys, member
from common.sinks.redis_facts import write_facts
from common.sources.lake import EVENTS
from tests.integration.item_rows import ranking, write_rows
from tests.lake_events import START, event, lake_events

HOUR = 483_000 * 60  # an epoch minute at which an hour begins
Views = dict[tuple[str, str, int], int]  # (user, item, minute) → views


def counted(views: Views, most: int) -> Counter[tuple[str, int]]:
    """(item, minute) → views that count, worked out action by action."""
    found: Counter[tuple[str, int]] = Counter()
    used: Counter[tuple[str, str, int]] = Counter()
    for (user, item, minute), n in sorted(views.items(), key=lambda row: row[0][2]):
        for _ in range(n):
            if n > 1 and used[user, item, minute // 60] >= most:
                continue
            used[user, item, minute // 60] += n > 1
            found[item, minute] += 1
    return found


def rows_of(views: Views) -> list[tuple[Any, ...]]:
    sums: Counter[tuple[str, int]] = Counter()
    for (_, item, minute), n in views.items():
        sums[item, minute] += n
    rows: list[tuple[Any, ...]] = [
        ("item", minute, "c", item, "", False, f"{n},{n}|{n},0,0,0,0,0,0,0,0,0") for (item, minute), n in sums.items()
    ]
    return rows + [
        ("user", minute, "c", item, user, n > 1, f"{n},0,0,0,0,0,0,0,0|{minute * 60_000}|")
        for (user, item, minute), n in views.items()
    ]


def some_views(seed: int) -> Views:
    draw = random.Random(seed)
    keys = {(f"u{draw.randrange(3)}", f"i{draw.randrange(4)}", HOUR + draw.randrange(150)) for _ in range(300)}
    return {key: draw.choice([1, 1, 2, 3, 15]) for key in sorted(keys)}


@pytest.mark.parametrize("seed", range(3))
def test_windows_and_decays_count_what_is_under_the_cap_in_any_order_and_however_often_written(
    config: Config, redis_conn: redis.Redis, seed: int
) -> None:
    views, most = some_views(seed), config.rankings.per_user
    grown = {key: n // 2 for key, n in views.items() if n > 3}
    rows = [*rows_of(grown), *rows_of(views)]
    # what a fact was before comes before what it became; else any order
    order = sorted(range(len(rows)), key=lambda n: (n >= len(rows_of(grown)), random.Random(seed + n).random()))
    for start in range(0, len(order), 50):
        write_rows(config, [rows[n] for n in order[start : start + 50]])
    again = rows_of(views)
    random.Random(seed).shuffle(again)
    write_rows(config, again)
    as_of = max(minute for _, _, minute in views)
    hour: dict[str, float] = defaultdict(float)
    decayed: dict[str, float] = defaultdict(float)
    for (item, minute), n in counted(views, most).items():
        decayed[member("c", item)] += n * 2 ** ((minute - as_of) / 1440)
        if minute > as_of - 60:
            hour[member("c", item)] += n
    assert ranking(redis_conn, config, "views-1h") == dict(hour)
    landmark = int(redis_conn.get(Keys(config.redis.prefix).landmark("popular")) or 0)
    found = {k: v * 2 ** ((landmark - as_of) / 1440) for k, v in ranking(redis_conn, config, "popular", "c").items()}
    assert found == pytest.approx(dict(decayed), rel=1e-9)


def shop() -> list[dict[str, Any]]:
    """Twelve items with 20 to 31 viewers each, and one that a bot views 10,000 times in ten minutes."""
    rows, number = [], 0
    for item in range(12):
        for viewer in range(20 + item):
            rows.append(event(number := number + 1, "view", viewer, f"u{viewer}", f"item-{item}", category="c"))
    for n in range(10_000):
        rows.append(event(number := number + 1, "view", 40 + n / 1000, "bot", "pushed", category="c"))
    return rows


def test_ten_thousand_views_of_one_bot_move_nothing_into_a_top_10_in_stream_and_batch(
    spark: SparkSession, config: Config, redis_conn: redis.Redis
) -> None:
    events = lake_events(spark, shop())
    write_facts(aggregate(events), config)
    most = config.rankings.per_user
    stream = {name: ranking(redis_conn, config, name) for name in ("views-1h", "popular", "popular-30m")}
    assert stream["views-1h"][member("c", "pushed")] == most
    for scores in stream.values():
        best = sorted(scores, key=lambda name: -scores[name])[:10]
        assert member("c", "pushed") not in best
    append(events, config, EVENTS, "date")
    assert facts.run(spark, config).status == "done"
    assert ranking(redis_conn, config, "views-1h") == stream["views-1h"]
    at = int(START.timestamp()) // 60 + 49
    landmark = int(redis_conn.get(Keys(config.redis.prefix).landmark("popular")) or 0)
    score = ranking(redis_conn, config, "popular")[member("c", "pushed")] * 2 ** ((landmark - at) / 1440)
    assert score == pytest.approx(most * 2 ** (-9 / 1440), rel=1e-9)  # all in the first of the bot's minutes
