"""What ALS learns from, counted in doublings, and how far it has moved between two runs."""

import json
import math
from collections import Counter
from datetime import datetime, timezone

import pytest
from pyspark.sql import SparkSession

from batch.als_drift import counts, moved, psi
from batch.registry import Run

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)


def run(metrics: object) -> Run:
    return Run("v", NOW, NOW, 0, "{}", json.dumps(metrics), "published")


def test_counts_are_those_of_plain_python_and_the_last_run_with_counts_is_compared(spark: SparkSession) -> None:
    rows = [(f"u{n % 7}", f"i{n % (1 + n % 13)}", 0.3 * 1.5 ** (n % 11)) for n in range(300)]
    pairs = list({(user, item): (user, item, strength) for user, item, strength in rows}.values())
    found = counts(spark.createDataFrame(pairs, "user string, item string, strength double"))
    values = {
        "items_per_user": Counter(user for user, _, _ in pairs).values(),
        "users_per_item": Counter(item for _, item, _ in pairs).values(),
        "strength": [strength for _, _, strength in pairs],
    }
    assert found == {name: Counter(str(math.floor(math.log2(x))) for x in of) for name, of in values.items()}
    assert moved(found, []) == moved(found, [run({})]) == {}
    same = {"inputs": found}
    assert moved(found, [run({}), run(same)]) == dict.fromkeys(values, 0.0)
    other = {"inputs": found | {"strength": {"0": 1, "1": 3}}}
    assert moved(found, [run(other), run(same)])["strength"] > 0.2
    assert psi({"0": 1, "1": 3}, {"0": 2, "1": 2}) == pytest.approx(0.25 * math.log(3))
