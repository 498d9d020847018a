"""The batch layer's baselines of keywords: written under a version, then merged with the stream's in one step."""

from collections.abc import Callable, Iterator, Sequence

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.config import Config
from common.keys import Keys
from common.redis_client import RedisTarget, redis_target
from common.sinks.scripts import Fenced

VERSION_SECONDS = 6 * 3600
Batches = Iterator[pa.RecordBatch]


def publish_baseline(base: DataFrame, config: Config, version: str) -> int:
    """Writes `keyword, seen` (S at T; the `keywords.keep` largest) under the version; returns the rows written.

    Nothing is served from them until `activate_baseline`. Writing the same version again changes nothing.
    """
    largest = base.select("keyword", "seen").orderBy("seen", ascending=False).limit(config.keywords.keep)
    key = Keys(config.redis.prefix).keyword_version(version)
    rows = largest.mapInArrow(_adding(redis_target(config), key), "rows bigint").agg(F.sum("rows")).first()
    return int(rows[0] or 0) if rows else 0


def _adding(target: RedisTarget, key: str) -> Callable[[Batches], Batches]:
    def add(batches: Batches) -> Batches:
        with target.connect() as client:
            for batch in batches:
                if batch.num_rows:
                    client.zadd(key, dict(zip(*[column.to_pylist() for column in batch.columns], strict=True)))
                    client.expire(key, VERSION_SECONDS)
                yield pa.RecordBatch.from_pydict({"rows": [batch.num_rows]})

    return add


def activate_baseline(config: Config, version: str, horizon: int, mass: float, hours: Sequence[float]) -> bool:
    """Baselines become `version`'s up to T (`horizon`, epoch minute) plus the stream's since.

    False, and nothing changes, where that cannot be added up (keyword_merge.lua says when).
    """
    keys, keywords = Keys(config.redis.prefix), config.keywords
    numbers = (keywords.window_minutes, keywords.half_life_minutes, keywords.retention_minutes, keywords.keep)
    args: list[str | int | float | bytes] = [keys.kw, *numbers, version, horizon, mass, orjson.dumps(list(hours))]
    with redis_target(config).connect() as client:
        return bool(Fenced(client, "keyword_merge", config.fence)(keys=[keys.keyword_meta], args=args))
