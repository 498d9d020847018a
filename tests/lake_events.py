"""Events in the lake's shape out of short rows, and planted tastes, for the tests of the batch layer."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from pyspark.sql import DataFrame, SparkSession

START = datetime(2026, 3, 1, tzinfo=timezone.utc)
COLUMNS = (
    "event_id string, event_type string, event_time timestamp, user_id string, session_id string,"
    " item_id string, category string, price double, quantity int, query string,"
    " order_id string, surface string, position int,"
    " topic string, partition int, offset bigint, ingest_time timestamp, date date"
)
NAMES = [part.split()[0] for part in COLUMNS.split(", ")]


def event(number: int, kind: str, minute: float, user: str | None, item: str | None, **more: Any) -> dict[str, Any]:
    """One event, `minute` minutes after `START`."""
    time = START + timedelta(minutes=minute)
    row = dict.fromkeys(NAMES) | {
        "event_id": f"e{number}",
        "event_type": kind,
        "event_time": time,
        "user_id": user,
    }
    row |= {"session_id": f"s-{user}", "item_id": item, "topic": "behavior", "partition": 0, "offset": number}
    return row | {"ingest_time": time, "date": time.date()} | more


def lake_events(spark: SparkSession, rows: Iterable[dict[str, Any]]) -> DataFrame:
    """The rows as a DataFrame with the columns of the table `events`."""
    return spark.createDataFrame([tuple(row[name] for name in NAMES) for row in rows], COLUMNS)


def planted(
    groups: int, users: int, items: int, actions: int, seed: int, shuffled: bool = False
) -> list[dict[str, Any]]:
    """Views and purchases of `users` users a group, each among the `items` items of their own group.

    `shuffled` deals the items out again at random: each as often as before, but to anyone.
    """
    chance = random.Random(seed)
    pairs = []
    for group in range(groups):
        for user in range(users):
            # The n largest u^(1/w) are a weighted sample (Efraimidis, Spirakis 2006): the first are popular.
            order = sorted(range(items), key=lambda item: -(chance.random() ** (1 + item / 2)))
            pairs += [(f"u{group}-{user}", f"i{group}-{item}") for item in order[:actions]]
    chance.shuffle(pairs)
    bought = [item for _, item in pairs]
    if shuffled:
        chance.shuffle(bought)
    return [
        event(n, "purchase" if n % 9 == 0 else "view", n, user, item, category=item.split("-")[0], price=10.0)
        for n, ((user, _), item) in enumerate(zip(pairs, bought, strict=True))
    ]
