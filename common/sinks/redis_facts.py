"""Facts → Redis as absolute values, written from the executors.

A row is (fact, key, minute) with its whole value, so that writing a batch twice changes nothing: Kafka's
and foreachBatch's at-least-once becomes effectively-once here (docs/adr/0002).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.config import Config, RankingConfig
from common.facts.aggregate import COUNTS, ITEM, QUERY, USER
from common.keys import Keys
from common.redis_client import RedisTarget, redis_target
from common.schemas import ITEM_MEASURES, USER_MEASURES
from common.sinks.keyword_facts import KeywordWriter, keyword_writer
from common.sinks.scripts import lua
from common.views.decay import contributed
from common.views.rankings import part, weightings

if TYPE_CHECKING:
    from redis import Redis

STREAM, BATCH, RESTORE = "s", "b", "r"
WRITTEN = "rows bigint, changed bigint"


@dataclass(frozen=True)
class FactWriter:
    """Everything an executor needs to write facts; picklable."""

    target: RedisTarget
    prefix: str
    rankings: tuple[tuple[str, str, int, int], ...]  # (name, kind, minutes, its contribution in a value, from 1)
    segment_minutes: int
    fact_seconds: int
    user_minutes: int
    user_seconds: int
    rows_per_call: int
    keywords: KeywordWriter

    def write(self, batches: Iterator[pa.RecordBatch], source: str) -> Iterator[pa.RecordBatch]:
        """Writes one partition: columns fact, minute, category, key, value. Yields (rows, changed)."""
        with self.target.connect() as client:
            for batch in batches:
                rows = batch.num_rows
                changed = self._items(client, batch, source) + self._users(client, batch, source)
                changed += self.keywords.write(client, batch.filter(pc.equal(batch["fact"], QUERY)), source)
                yield pa.RecordBatch.from_pydict({"rows": [rows], "changed": [changed]})

    def _items(self, client: "Redis", batch: pa.RecordBatch, source: str) -> int:
        items = batch.filter(pc.equal(batch["fact"], ITEM))
        if not items.num_rows:
            return 0
        minutes = items["minute"].to_pylist()
        rows = list(
            zip(
                minutes,
                items["category"].to_pylist(),
                items["key"].to_pylist(),
                items["value"].to_pylist(),
                strict=True,
            )
        )
        keys = Keys(self.prefix)
        script = client.register_script(lua("item_facts"))
        head = [keys.item, source, self.fact_seconds, max(minutes)]
        tail: list[bytes | int] = [orjson.dumps(self.rankings), self.segment_minutes]
        changed = 0
        for start in range(0, len(rows), self.rows_per_call):
            chunk = orjson.dumps(rows[start : start + self.rows_per_call])
            changed += int(script(keys=[keys.as_of], args=[*head, *tail, chunk]))
        return changed

    def _users(self, client: "Redis", batch: pa.RecordBatch, source: str) -> int:
        users = batch.filter(pc.equal(batch["fact"], USER))
        keys = Keys(self.prefix)
        script = client.register_script(lua("user_fact"))
        columns = [users[name].to_pylist() for name in ("key", "minute", "value")]
        rows = list(zip(*columns, strict=True))
        for start in range(0, len(rows), self.rows_per_call):
            with client.pipeline(transaction=False) as pipe:
                for user, minute, value in rows[start : start + self.rows_per_call]:
                    args = [minute, value, self.user_minutes, self.user_seconds, source]
                    script(keys=[keys.user_facts(user)], args=args, client=pipe)
                pipe.execute()
        return len(rows)


def fact_writer(config: Config) -> FactWriter:
    """The writer for this configuration."""
    definitions = config.rankings.definitions
    return FactWriter(
        target=redis_target(config),
        prefix=config.redis.prefix,
        rankings=tuple((r.name, r.kind, r.minutes, part(r, definitions) + 1) for r in definitions),
        segment_minutes=config.rankings.segment_minutes,
        fact_seconds=config.rankings.retention_hours * 3600,
        user_minutes=config.profile.buckets,
        user_seconds=config.profile.ttl_hours * 3600,
        rows_per_call=config.streaming.redis_rows_per_call,
        keywords=keyword_writer(config),
    )


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
    """Fused facts as what Redis stores: fact, minute (since the epoch), category, key, value (text).

    An item's value is 'contributions|measures', a contribution for each different set of weights
    (`common.views.rankings.weightings`); a user's is JSON; a query's its searches.
    """
    minute = (F.unix_seconds("window_start") / 60).cast("long")
    value = F.when(F.col("fact") == ITEM, _item_value(rankings))
    value = value.when(F.col("fact") == USER, _user_value()).otherwise(F.col("searches").cast("string"))
    return facts.select("fact", minute.alias("minute"), "category", "key", value.alias("value"))


def _item_value(rankings: list[RankingConfig]) -> Column:
    contributions = F.concat_ws(",", *[contributed(weights).cast("string") for weights in weightings(rankings)])
    return F.concat_ws("|", contributions, F.concat_ws(",", *[F.col(m).cast("string") for m in ITEM_MEASURES]))


def _user_value() -> Column:
    """`{"counts": {"view": 2}, "actions": [[epoch ms, event_id, type, item_id, category, price], …]}`"""
    counted = {column: action for action, column in COUNTS.items()}
    counts = F.create_map(*[c for name in USER_MEASURES for c in (F.lit(counted[name]), F.col(name))])
    used = F.to_json(F.map_filter(counts, lambda _, n: n > 0))
    actions = F.concat_ws(",", F.transform(F.coalesce("actions", F.array()), _action_json))
    return F.concat(F.lit('{"counts":'), used, F.lit(',"actions":['), actions, F.lit("]}"))


def _action_json(action: Column) -> Column:
    texts = F.to_json(F.array(*[action[n] for n in ("event_id", "event_type", "item_id", "category")]))
    inner = F.substr(texts, F.lit(2), F.length(texts) - 2)
    price = F.coalesce(action["price"].cast("string"), F.lit("null"))
    return F.concat(
        F.lit("["), action["event_time_ms"].cast("string"), F.lit(","), inner, F.lit(","), price, F.lit("]")
    )
