"""Facts → Redis as absolute values, written from the executors.

A row is (fact, key, minute) with its whole value, so that writing a batch twice changes nothing: Kafka's
and foreachBatch's at-least-once becomes effectively-once here (docs/adr/0002).
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.config import Config, RankingConfig
from common.facts.aggregate import ITEM, QUERY, USER
from common.redis_client import RedisTarget, redis_target
from common.schemas import ITEM_MEASURES, USER_MEASURES
from common.sinks.item_facts import ItemWriter, item_writer
from common.sinks.keyword_facts import KeywordWriter, keyword_writer
from common.sinks.user_facts import UserWriter, user_writer
from common.views.caps import CAPPED_MEASURES
from common.views.decay import contributed
from common.views.rankings import weightings

if TYPE_CHECKING:
    from redis import Redis

STREAM, BATCH, RESTORE = "s", "b", "r"
WRITTEN = "rows bigint, changed bigint"
AHEAD = 2  # Arrow batches read while Redis still takes the one before
FIRST = (*CAPPED_MEASURES, *[name for name in USER_MEASURES if name not in CAPPED_MEASURES])


@dataclass(frozen=True)
class FactWriter:
    """Everything an executor needs to write facts; picklable."""

    target: RedisTarget
    items: ItemWriter
    users: UserWriter
    keywords: KeywordWriter

    def write(self, batches: Iterator[pa.RecordBatch], source: str) -> Iterator[pa.RecordBatch]:
        """Writes one partition: columns fact, minute, category, key, user, repeated, value. Yields (rows, changed).

        Spark works out the next rows while Redis takes these.
        """
        with self.target.connect() as client, ThreadPoolExecutor(1) as thread:
            waiting: deque[Future[tuple[int, int]]] = deque()
            for batch in batches:
                waiting.append(thread.submit(self._write, client, batch, source))
                if len(waiting) > AHEAD:
                    yield _written(*waiting.popleft().result())
            while waiting:
                yield _written(*waiting.popleft().result())

    def _write(self, client: "Redis", batch: pa.RecordBatch, source: str) -> tuple[int, int]:
        items, users, queries = (batch.filter(pc.equal(batch["fact"], name)) for name in (ITEM, USER, QUERY))
        changed = self.items.write(client, items, users.filter(users["repeated"]), source)
        if source != BATCH:  # the batch layer corrects rankings; what a user did lately is the stream's to say
            changed += self.users.write(client, users, source)
        changed += self.keywords.write(client, queries, source)
        return batch.num_rows, changed


def _written(rows: int, changed: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"rows": [rows], "changed": [changed]})


def fact_writer(config: Config) -> FactWriter:
    """The writer for this configuration."""
    return FactWriter(redis_target(config), item_writer(config), user_writer(config), keyword_writer(config))


def write_facts(facts: DataFrame, config: Config, source: str = STREAM) -> tuple[int, int]:
    """Writes fused facts (`common.facts.aggregate`) in one pass; returns (rows, rows that changed something).

    Raises redis errors when Redis stays out of reach; the batch is then tried again as a whole.
    """
    return write_encoded(encode(facts, config.rankings.definitions), config, source)


def write_encoded(rows: DataFrame, config: Config, source: str = STREAM) -> tuple[int, int]:
    """Writes what `encode` made. What comes to the driver is two numbers for each Arrow batch."""
    written = rows.mapInArrow(_partition(fact_writer(config), source), WRITTEN).collect()
    return sum(row["rows"] for row in written), sum(row["changed"] for row in written)


def _partition(writer: FactWriter, source: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    return lambda batches: writer.write(batches, source)


def encode(facts: DataFrame, rankings: list[RankingConfig]) -> DataFrame:
    """Fused facts as what Redis stores: fact, minute (since the epoch), category, key, user, repeated, value (text).

    An item's value is 'contributions|measures', a contribution for each different set of weights
    (`common.views.rankings.weightings`); a user's 'counts|newest time|price', the counts in the order of `FIRST`;
    a query's its searches (0: only clicks after it, which the lake keeps). `repeated`: a user did the same
    with an item more than once.
    """
    minute = (F.unix_seconds("window_start") / 60).cast("long")
    value = F.when(F.col("fact") == ITEM, _item_value(rankings))
    value = value.when(F.col("fact") == USER, _user_value()).otherwise(F.col("searches").cast("string"))
    repeated = (F.col("fact") == USER) & (F.col("key") != "") & (F.greatest(*CAPPED_MEASURES) > 1)
    return facts.select(
        "fact", minute.alias("minute"), "category", "key", "user", repeated.alias("repeated"), value.alias("value")
    )


def _item_value(rankings: list[RankingConfig]) -> Column:
    contributions = F.concat_ws(",", *[contributed(weights).cast("string") for weights in weightings(rankings)])
    return F.concat_ws("|", contributions, _numbers(ITEM_MEASURES))


def _user_value() -> Column:
    price = F.coalesce(F.col("price").cast("string"), F.lit(""))
    return F.concat_ws("|", _numbers(FIRST), F.col("last_ms").cast("string"), price)


def _numbers(names: tuple[str, ...]) -> Column:
    return F.concat_ws(",", *[F.col(name).cast("string") for name in names])
