"""Rankings that the batch layer works out whole → Redis, from the executors, under a version of their own."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.config import Config
from common.keys import ALL, Keys
from common.models.rates import rate_name
from common.redis_client import RedisTarget, redis_target
from common.sinks.rankings import note_categories

TTL_SECONDS = 7 * 24 * 3600
LEAVES_SECONDS = 600  # what is read from the version before may still be under way


@dataclass(frozen=True)
class RateWriter:
    """What an executor needs; picklable."""

    target: RedisTarget
    prefix: str
    ranking: str
    rows_per_call: int
    categories_seconds: int  # how long what is known of the categories stays

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        keys = Keys(self.prefix)
        with self.target.connect() as client, client.pipeline(transaction=False) as pipe:
            for batch in batches:
                rows = list(zip(*[batch[n].to_pylist() for n in ("category", "member", "score")], strict=True))
                for start in range(0, len(rows), self.rows_per_call):
                    by_scope: dict[str, dict[str, float]] = {}
                    for category, name, score in rows[start : start + self.rows_per_call]:
                        for scope in (ALL, category):
                            by_scope.setdefault(scope, {})[name] = score
                    for scope, scores in by_scope.items():
                        pipe.zadd(keys.ranking(self.ranking, scope), scores)
                        pipe.expire(keys.ranking(self.ranking, scope), TTL_SECONDS)
                    note_categories(pipe, keys, by_scope, self.categories_seconds)
                    pipe.execute()
                yield pa.RecordBatch.from_pydict({"rows": [len(rows)]})


def publish_rates(rated: DataFrame, config: Config, name: str, version: str) -> int:
    """Writes `category, member, score`; returns the rows. Nothing is served from it until `serve_rates`."""
    ranking = rate_name(name, version)
    writer = RateWriter(
        target=redis_target(config),
        prefix=config.redis.prefix,
        ranking=ranking,
        rows_per_call=config.streaming.redis_rows_per_call,
        categories_seconds=max(TTL_SECONDS, 4 * config.rankings.retention_hours * 3600),
    )
    total = rated.select("category", "member", "score").mapInArrow(writer, "rows bigint").agg(F.sum("rows")).first()
    return int(total[0] or 0) if total else 0


def serve_rates(config: Config, names: list[str], version: str) -> None:
    """Moves the pointer; what the version before wrote leaves a little later."""
    keys = Keys(config.redis.prefix)
    with redis_target(config).connect() as client:
        before = client.set(keys.live_rates, version, ex=TTL_SECONDS, get=True)
        if before is None or before.decode() == version:
            return
        scopes = [ALL, *[scope.decode() for scope in client.zrange(keys.tree, 0, -1)]]
        with client.pipeline(transaction=False) as pipe:
            for scope in scopes:
                for name in names:
                    pipe.expire(keys.ranking(rate_name(name, before.decode()), scope), LEAVES_SECONDS)
            pipe.execute()
