"""All named rankings against pandas, minute by minute: sliding windows to the last count, decays to 1e-9."""

import random

import numpy as np
import pandas as pd
import pytest
import redis

from common.config import Config
from common.keys import ALL, Keys
from tests.integration.item_rows import Fact, ranking, write

START = 29_000_000  # an epoch minute
WINDOWS = {"views-10m": 10, "views-1h": 60, "views-24h": 1440}
HALF_LIVES = {"popular-30m": 30, "popular": 1440, "popular-7d": 10080}


def sparse(minutes: int, rows: int) -> list[Fact]:
    draw = random.Random(11)
    keys = {(START + draw.randrange(minutes), f"c{draw.randrange(3)}", f"i{draw.randrange(25)}") for _ in range(rows)}
    return [(m, category, f"{category}-{item}", draw.randrange(1, 9)) for m, category, item in sorted(keys)]


def table(facts: list[Fact]) -> pd.DataFrame:
    return pd.DataFrame(facts, columns=["minute", "category", "item", "views"])


def summed(rows: pd.DataFrame, value: str) -> dict[str, float]:
    return rows.groupby(rows.category + "\x1f" + rows["item"])[value].sum().to_dict()


def test_windows_of_ten_minutes_an_hour_and_a_day_equal_pandas_at_every_checked_minute(
    config: Config, redis_conn: redis.Redis
) -> None:
    facts, span = sparse(3200, 2500), 40
    for end in range(START + span, START + 3200, span):
        write(config, [fact for fact in facts if end - span <= fact[0] < end])
        seen = table([fact for fact in facts if fact[0] < end])
        as_of = int(seen.minute.max())
        for name, minutes in WINDOWS.items():
            inside = seen[seen.minute > as_of - minutes]
            assert ranking(redis_conn, config, name) == summed(inside, "views")
            assert ranking(redis_conn, config, name, "c1") == summed(inside[inside.category == "c1"], "views")


@pytest.mark.parametrize("order", ["as it came", "shuffled"])
def test_every_half_life_equals_the_closed_formula_to_1e_9_in_any_order(
    config: Config, redis_conn: redis.Redis, order: str
) -> None:
    facts = sparse(1500, 1500)
    coming = facts if order == "as it came" else random.Random(2).sample(facts, len(facts))
    for first in range(0, len(coming), 300):
        write(config, coming[first : first + 300])
    rows = table(facts)
    at = int(rows.minute.max())
    for name, half_life in HALF_LIVES.items():
        landmark = int(redis_conn.get(Keys(config.redis.prefix).landmark(name)) or 0)
        rows["score"] = 3 * rows.views * np.exp2((rows.minute - at) / half_life)
        for scope in (ALL, "c2"):
            stored = ranking(redis_conn, config, name, scope)
            found = {key: score * 2.0 ** ((landmark - at) / half_life) for key, score in stored.items()}
            wanted = summed(rows if scope == ALL else rows[rows.category == scope], "score")
            assert found == pytest.approx(wanted, rel=1e-9, abs=0)
