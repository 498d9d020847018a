"""Merge: the batch layer's part of the decayed rankings, and the step to a new horizon T."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.config import Config
from common.keys import Keys
from common.redis_client import RedisTarget, redis_target
from common.sinks.scripts import lua


@dataclass(frozen=True)
class BaseWriter:
    """What an executor needs to write the batch part of one ranking; picklable."""

    target: RedisTarget
    prefix: str
    ranking: str
    version: str
    seconds: int
    rows_per_call: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        keys = Keys(self.prefix)
        with self.target.connect() as client:
            for batch in batches:
                rows = list(zip(*[batch[n].to_pylist() for n in ("category", "member", "score")], strict=True))
                for start in range(0, len(rows), self.rows_per_call):
                    self._add(client, keys, rows[start : start + self.rows_per_call])
                yield pa.RecordBatch.from_pydict({"rows": [len(rows)]})

    def _add(self, client: Any, keys: Keys, rows: list[tuple[str, str, float]]) -> None:
        by_category: dict[str, dict[str, float]] = {}
        for category, name, score in rows:
            by_category.setdefault(category, {})[name] = score
        with client.pipeline(transaction=False) as pipe:
            for category, scores in by_category.items():
                key = keys.base(self.ranking, category, self.version)
                pipe.zadd(key, scores)
                pipe.expire(key, self.seconds)
                pipe.zadd(keys.tree, {category: 0})
            pipe.execute()


def publish_base(base: DataFrame, config: Config, ranking: str, version: str) -> int:
    """Writes the batch part of one decayed ranking, decayed to the horizon; returns the rows written.

    In: `category`, `member` (`common.keys.member`), `score`; the merge makes the overall ranking of them. Nothing
    is served from it until `activate`. Writing the same version again changes nothing.
    """
    writer = BaseWriter(
        target=redis_target(config),
        prefix=config.redis.prefix,
        ranking=ranking,
        version=version,
        seconds=config.rankings.retention_hours * 3600,
        rows_per_call=config.streaming.redis_rows_per_call,
    )
    selected = base.select("category", "member", F.col("score").cast("double").alias("score"))
    total = selected.mapInArrow(writer, "rows bigint").agg(F.sum("rows")).first()
    return int(total[0] or 0) if total else 0


def activate(config: Config, version: str, horizon_minute: int) -> bool:
    """Rankings become `version`'s base up to T plus the stream after T, in one step.

    `horizon_minute` is T in minutes since the epoch, a multiple of `rankings.segment_minutes`. False, and
    nothing changes, when a newer horizon stands already (an old batch run again).
    """
    keys = Keys(config.redis.prefix)
    rankings = [(r.name, r.kind, r.minutes) for r in config.rankings.definitions]
    args = [
        keys.item,
        orjson.dumps(rankings),
        config.rankings.segment_minutes,
        version,
        horizon_minute,
        config.rankings.retention_hours * 3600,
    ]
    with redis_target(config).connect() as client:
        return bool(client.register_script(lua("merge"))(keys=[keys.as_of], args=args))
