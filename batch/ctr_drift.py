"""What came in since the click-through model was trained, for whoever watches: inputs moved, clicks rose or fell.

Every run of the job `ctr` that trained something writes it to Redis (`P:ctr:drift`), whatever the gate said; serving
shows it to Prometheus (`serving.drift`). The same figures are in `ctr_runs`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import orjson
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.publish import TTL_SECONDS
from common.config import Config
from common.keys import Keys
from common.redis_client import redis_target

Rates = dict[str, dict[str, float]]


def click_through(older: DataFrame, newest: DataFrame, surfaces: Iterable[str]) -> Rates:
    """Surface → clicks per 100 exposures in the part that trained and in the newest; '' is all of them. Of a surface
    without exposures in a part there is no rate."""
    named = F.when(F.col("surface").isin(*surfaces), F.col("surface"))
    parts = {"trained": older, "newest": newest}
    both = [frame.select(F.lit(name).alias("part"), named.alias("surface"), "label") for name, frame in parts.items()]
    sums = both[0].unionByName(both[1]).rollup("part", "surface")
    counted = sums.agg(F.grouping_id().alias("level"), F.count("*").alias("n"), F.sum("label").alias("clicks"))
    found: Rates = {}
    for row in counted.where("part is not null and (surface <> '' or level = 1)").collect():
        found.setdefault(row["surface"] or "", {})[row["part"]] = round(100 * row["clicks"] / row["n"], 4)
    return found


def publish(config: Config, version: str, at: datetime, psi: Mapping[str, float], rates: Rates) -> None:
    """The newest run's figures to Redis; `largest` is the feature that has moved most."""
    value = {
        "version": version,
        "at_ms": int(at.timestamp() * 1000),
        "largest": max(psi, key=lambda name: psi[name]),
        "psi": {name: round(one, 4) for name, one in psi.items()},
        "click_through": rates,
    }
    with redis_target(config).connect() as client:
        client.set(Keys(config.redis.prefix).drift("ctr"), orjson.dumps(value), ex=TTL_SECONDS)
