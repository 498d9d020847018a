"""Which items go together: significance by entropies, counts by plain Python, cosines by numpy."""

import math
import random
from collections import Counter
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from batch import alike, related
from batch.together import carts, sessions, together
from common.config import Config
from common.config_load import load_config
from common.config_surfaces import RelatedConfig
from common.models.significance import log_likelihood_ratio
from tests.lake_events import event, lake_events

CONFIG: Config = load_config(env={})


def g2(k: float, a: float, b: float, n: float) -> float:
    """Dunning's ratio by entropies: 2·(Σ cells − Σ rows − Σ columns + total), each x·ln x."""

    def xlogx(*values: float) -> float:
        return sum(x * math.log(x) for x in values if x > 0)

    return 2 * (xlogx(k, a - k, b - k, n - a - b + k) - xlogx(a, n - a) - xlogx(b, n - b) + xlogx(n))


def test_the_ratio_is_dunnings_and_nothing_below_chance(spark: SparkSession) -> None:
    # The first is the bigram "the swiss" of the paper's table 1: 110 together, G² 270.72.
    table = [(110, 2552, 221, 31777), (2, 10, 10, 5000), (5, 50, 50, 500), (1, 50, 50, 500), (7, 7, 7, 7)]
    rows = spark.createDataFrame(table, "k int, a int, b int, n int")
    found = [row[0] for row in rows.select(log_likelihood_ratio(*(F.col(c) for c in "kabn"))).collect()]
    assert found[0] == pytest.approx(270.72, abs=0.01)
    assert found[1] == pytest.approx(g2(*table[1]), rel=1e-9)
    assert found[2:] == [0.0, 0.0, 0.0]


def shop(seed: int = 5) -> list[dict[str, Any]]:
    """Orders: i0 with i1 far more often than chance, i9 with everything; sessions the same way with i2 and i3."""
    draw, rows = random.Random(seed), []
    for n in range(400):
        pair = ("i0", "i1") if draw.random() < 0.2 else (f"i{draw.randrange(2, 9)}",)
        basket = {*pair, *(["i9"] if draw.random() < 0.5 else [])}
        for item in sorted(basket):
            rows.append(event(len(rows), "purchase", n, f"u{n % 50}", item, order_id=f"o{n}", category="c"))
        seen = {"i2", "i3"} if draw.random() < 0.2 else {f"i{draw.randrange(10)}", f"i{draw.randrange(10)}"}
        for item in sorted(seen):
            rows.append(event(len(rows), "view", n, f"u{n % 50}", item, session_id=f"s{n}", category="c"))
    return rows


def counted(units: dict[Any, set[str]]) -> dict[tuple[str, str], float]:
    """√G² of every pair that is no chance, in both directions."""
    held = Counter(item for unit in units.values() for item in unit)
    pairs = Counter(pair for unit in units.values() for pair in combinations(sorted(unit), 2))
    found = {}
    for (a, b), k in pairs.items():
        score = g2(k, held[a], held[b], len(units))
        if k >= 2 and k * len(units) > held[a] * held[b] and score >= CONFIG.related.min_score:
            found[a, b] = found[b, a] = math.sqrt(score)
    return found


def test_carts_and_sessions_count_as_plain_python_does_with_copies_and_repeats(spark: SparkSession) -> None:
    rows = shop()
    again = [rows[0] | {"offset": 9999}, rows[3] | {"event_id": "another"}]
    events = lake_events(spark, [*rows, *again])
    for units, kind, name in ((carts(events), "purchase", "order_id"), (sessions(events), "view", "session_id")):
        expected: dict[Any, set[str]] = {}
        for row in rows:
            if row["event_type"] == kind:
                expected.setdefault(row[name], set()).add(row["item_id"])
        found = {(r["item"], r["other"]): r["together"] for r in together(units, CONFIG.related).collect()}
        assert found == pytest.approx(counted(expected), rel=1e-9)
        assert found
        assert not any("i9" in pair for pair in found)  # in half of all baskets, whatever is in them


def test_a_bots_session_counts_with_its_newest_items_only(spark: SparkSession) -> None:
    rows = [event(n, "view", n, "bot", f"i{n}", category="c") for n in range(300)]
    units = sessions(lake_events(spark, rows))
    small = RelatedConfig(90, 3, 1, 1e-9, 50, 0.5, 2)
    other = spark.createDataFrame([("x", "i1")], "unit string, item string").withColumn("at", F.current_timestamp())
    found = together(units.unionByName(other), small).select("item").distinct().collect()
    assert {row[0] for row in found} == {"i297", "i298", "i299"}


def test_nearest_items_are_those_of_numpy_over_several_blocks(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike, "BLOCK", 7)
    factors = np.random.default_rng(3).normal(size=(30, 4)).astype(np.float32)
    rows = [(f"i{n}", n, [float(x) for x in factor]) for n, factor in enumerate(factors)]
    frame = spark.createDataFrame(rows, "item string, index int, features array<float>")
    unit = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(30)
    found: dict[str, dict[str, float]] = {}
    for row in alike.nearest(frame, 5).collect():
        found.setdefault(row["item"], {})[row["other"]] = row["als"]
    for n in range(30):
        best = [m for m in np.argsort(-cosines[n])[:5] if cosines[n][m] > 0]
        assert found[f"i{n}"] == pytest.approx({f"i{m}": float(cosines[n][m]) for m in best}, abs=1e-5)


def test_substitutes_are_of_one_category_and_come_from_sessions_or_the_model(spark: SparkSession) -> None:
    rows = [row | {"category": "c" if row["item_id"] != "i3" else "d"} for row in shop()]
    vectors = {"i2": [1.0, 0.0], "i4": [1.0, 0.1], "i3": [1.0, 0.0]}
    features = [(item, n, vector) for n, (item, vector) in enumerate(vectors.items())]
    factors = spark.createDataFrame(features, "item string, index int, features array<float>")
    found = {
        (r["item"], r["other"]): r for r in related.substitutes(lake_events(spark, rows), factors, CONFIG).collect()
    }
    assert ("i2", "i3") not in found  # always seen together, of another category
    assert found["i2", "i4"]["als"] == pytest.approx(1 / math.hypot(1, 0.1), abs=1e-6)
    assert found["i2", "i4"]["together"] == 0.0


def test_a_cart_begun_before_the_login_is_one_unit(spark: SparkSession) -> None:
    rows = [event(n, "cart_add", n, "u" if n else None, f"i{n}", session_id="s") for n in range(2)]
    assert {(row["unit"], row["item"]) for row in carts(lake_events(spark, rows)).collect()} == {
        ("c:u\x1fs", "i0"),
        ("c:u\x1fs", "i1"),
    }
