"""Merge: the batch layer's part of the decayed rankings, and the step to a new horizon T."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.config import Config
from common.duration import duration_ms
from common.keys import ALL, SEPARATOR, Keys
from common.redis_client import RedisTarget, redis_target
from common.sinks.scripts import Fenced
from common.views.rankings import part

MERGE_SECONDS = 3600  # the longest a merge may take
NEVER = 2**53
NO_SHORTER = "if redis.call('TTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[1]) end"
STREAMED = "minute bigint, category string, item_id string, parts array<double>"
NAMES = ["minute", "category", "item_id", "parts"]
TYPES = [pa.int64(), pa.string(), pa.string(), pa.list_(pa.float64())]


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
            note_categories(pipe, keys, by_category, 4 * self.seconds)
            pipe.execute()


def note_categories(pipe: Any, keys: Keys, categories: Iterable[str], seconds: int) -> None:
    """Adds categories to those that are known; all of them stay `seconds` from now, or as long as they did: the item
    sink wants them as long as its rankings (item_lifetimes.lua)."""
    if found := {category: 0 for category in categories if category != ALL}:
        pipe.zadd(keys.tree, found)
        pipe.eval(NO_SHORTER, 1, keys.tree, seconds)


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


def settled_minute(config: Config, mark: str = "") -> int | None:
    """The last minute whose facts no longer change, and from now on Redis notes under `mark`, a name of the merge's
    own, what changes all the same.

    None when Redis holds no facts. `activate` finds out when it was wrong.
    """
    keys = Keys(config.redis.prefix)
    with redis_target(config).connect() as client:
        with client.pipeline() as pipe:
            pipe.hset(keys.low, mark, str(NEVER))
            pipe.expire(keys.low, MERGE_SECONDS)
            pipe.execute()
        as_of = client.get(keys.as_of)
    late = math.ceil(duration_ms(config.streaming.watermark) / 60_000)
    return None if as_of is None else int(as_of) - late - 1


def standing_horizon(config: Config) -> int | None:
    """The T that stands in Redis, in minutes since the epoch; None before any merge."""
    with redis_target(config).connect() as client:
        horizon = client.get(Keys(config.redis.prefix).horizon)
    return None if horizon is None else int(horizon)


def streamed(spark: SparkSession, config: Config, since: int, until: int) -> DataFrame:
    """`minute, category, item_id, parts` of the stream's facts in Redis, and of what it took off
    them (`common.views.caps`), minutes `since` to `until`, both included.

    `parts` are the contributions, one for each of `common.views.rankings.weightings`. Read on the executors.
    """
    reader = FactReader(redis_target(config), config.redis.prefix)
    return spark.range(since, until + 1).mapInArrow(reader, STREAMED)


@dataclass(frozen=True)
class FactReader:
    """What an executor needs to read item facts; picklable."""

    target: RedisTarget
    prefix: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        keys = Keys(self.prefix)
        with self.target.connect() as client:
            for batch in batches:
                for minute in batch["id"].to_pylist():
                    facts = [
                        *client.hgetall(keys.item_fact(minute)).items(),
                        *client.hgetall(keys.over(minute)).items(),
                    ]
                    names = [name.decode().split(SEPARATOR)[:2] for name, _ in facts]
                    parts = [[float(n) for n in value.split(b"|")[0].split(b",")] for _, value in facts]
                    columns = [[minute] * len(names), [c for c, _ in names], [i for _, i in names], parts]
                    yield pa.record_batch([pa.array(c, t) for c, t in zip(columns, TYPES, strict=True)], NAMES)


def activate(
    config: Config, version: str, horizon_minute: int, first_open: int | None = None, mark: str = ""
) -> bool | None:
    """Rankings become `version`'s bases, which hold T's facts and the stream's up to `first_open` (T when None), plus
    the stream's from there on; T becomes the horizon. In one step.

    `horizon_minute` is T in minutes since the epoch. False, and nothing changes, when a newer horizon stands already
    (an old batch run again); None, and nothing changes, when a minute before `first_open` has changed since
    `settled_minute` with this `mark`, or nobody knows, as another merge has moved T meanwhile.
    """
    keys = Keys(config.redis.prefix)
    definitions = config.rankings.definitions
    rankings = [(r.name, r.kind, r.minutes, part(r, definitions) + 1) for r in definitions]
    open_minute = horizon_minute if first_open is None else first_open
    seconds = config.rankings.retention_hours * 3600
    args: list[str | bytes | int] = [keys.item, orjson.dumps(rankings), version, horizon_minute, open_minute, seconds]
    args.append(mark)
    with redis_target(config).connect() as client:
        answer = int(Fenced(client, "merge", config.fence)(keys=[keys.as_of], args=args))
    return None if answer < 0 else bool(answer)
