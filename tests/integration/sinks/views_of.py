"""Views of people as rows of the sink, and what of them counts, action by action in plain Python."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import redis

from common.config import Config
from common.keys import Keys, member
from tests.integration.item_rows import ranking

HOUR = 483_000 * 60  # an epoch minute at which an hour begins
CATEGORY = "c"
Views = dict[tuple[str, str, int], int]  # (user, item, minute) → views


def capped(config: Config, most: int) -> Config:
    """The configuration with another cap."""
    return dataclasses.replace(config, rankings=dataclasses.replace(config.rankings, per_user=most))


def category_of(item: str) -> str:
    """An item whose name has one before a slash stands in that category."""
    return item.split("/")[0] if "/" in item else CATEGORY


def item_row(item: str, minute: int, views: int) -> tuple[Any, ...]:
    return "item", minute, category_of(item), item, "", False, f"{views},{views}|{views},0,0,0,0,0,0,0,0,0"


def user_row(user: str, item: str, minute: int, views: int) -> tuple[Any, ...]:
    return "user", minute, category_of(item), item, user, views > 1, f"{views},0,0,0,0,0,0,0,0|{minute * 60_000}|"


def rows_of(views: Views, pairs: Iterable[tuple[str, int]] | None = None) -> list[tuple[Any, ...]]:
    """The rows of all views, or of those (item, minute) only."""
    wanted = None if pairs is None else set(pairs)
    sums: Counter[tuple[str, int]] = Counter()
    rows = []
    for (user, item, minute), n in views.items():
        if wanted is None or (item, minute) in wanted:
            sums[item, minute] += n
            rows.append(user_row(user, item, minute, n))
    return [item_row(item, minute, n) for (item, minute), n in sums.items()] + rows


def counted(views: Views, most: int) -> dict[tuple[str, int], int]:
    """(member, minute) → views that count: of each person's on an item in an hour of the clock the first `most`, where
    only minutes with several are looked at."""
    totals: Counter[tuple[str, int]] = Counter()
    used: Counter[tuple[str, str, int]] = Counter()
    for (user, item, minute), n in sorted(views.items(), key=lambda row: row[0][2]):
        for _ in range(n):
            if n > 1 and used[user, item, minute // 60] >= most:
                continue
            used[user, item, minute // 60] += n > 1
            totals[member(category_of(item), item), minute] += 1
    return totals


def windowed(counts: Mapping[tuple[str, int], int], as_of: int, minutes: int) -> dict[str, float]:
    """member → what counts in the `minutes` up to `as_of`."""
    sums: dict[str, float] = defaultdict(float)
    for (name, minute), n in counts.items():
        if as_of - minutes < minute <= as_of:
            sums[name] += n
    return {name: n for name, n in sums.items() if n}


def decayed(counts: Mapping[tuple[str, int], int], at: int, half_life: int) -> dict[str, float]:
    """member → what counts, each as it has decayed at minute `at`."""
    sums: dict[str, float] = defaultdict(float)
    for (name, minute), n in counts.items():
        sums[name] += n * 2.0 ** ((minute - at) / half_life)
    return {name: score for name, score in sums.items() if score}


def decayed_in_redis(
    client: redis.Redis, config: Config, name: str, at: int, half_life: int, scope: str = "*"
) -> dict[str, float]:
    """What a decayed ranking says for minute `at`, by its landmark."""
    landmark = int(client.get(Keys(config.redis.prefix).landmark(name)) or 0)
    rows = ranking(client, config, name, scope)
    return {key: score * 2.0 ** ((landmark - at) / half_life) for key, score in rows.items() if score}
