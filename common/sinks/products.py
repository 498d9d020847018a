"""The product cache: each item as the source's newest change left it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.config import Config
from common.keys import Keys
from common.redis_client import RedisTarget, redis_target
from common.sinks.scripts import lua
from common.sources.catalog import PRODUCT
from common.sources.catalog_order import placed

MARKS = ("lsn_text", "ts_ms", "arrived_ms")  # what orders an item's changes, as `product.lua` takes it


@dataclass(frozen=True)
class ProductWriter:
    """What an executor needs to write products; picklable. In: changes, each item's from the oldest on."""

    target: RedisTarget
    prefix: str
    rows_per_call: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        keys = Keys(self.prefix)
        with self.target.connect() as client:
            script = client.register_script(lua("product"))
            for batch in batches:
                rows = batch.to_pylist()
                for start in range(0, len(rows), self.rows_per_call):
                    with client.pipeline(transaction=False) as pipe:
                        for row in rows[start : start + self.rows_per_call]:
                            script(keys=[keys.product(row["item_id"])], args=arguments(row), client=pipe)
                        pipe.execute()
                yield pa.RecordBatch.from_pydict({"items": [sum(row["is_newest"] for row in rows)]})


def arguments(change: Mapping[str, Any]) -> list[Any]:
    """What `product.lua` asks for, numbers as decimal text."""
    marks = ["" if change[name] is None else str(change[name]) for name in MARKS]
    stays = list(change["unavailable"])
    fields = [text for name in PRODUCT if change[name] is not None for text in (name, str(change[name]))]
    return [change["op"], *marks, len(stays), *stays, *fields]


def write_products(changes: DataFrame, config: Config) -> int:
    """Writes each item as its newest change left it; returns how many items. In: valid rows of
    `common.sources.catalog`, or the lake's log of them, in any order.

    Sent are the newest change that names every field and what came after it: those leave fields as they were, and
    Redis puts them one on the other.
    """
    item = Window.partitionBy("item_id")
    order = placed(changes)
    whole = F.coalesce((F.col("op") == "d") | (F.size("unavailable") == 0), F.lit(True))
    since = F.coalesce(F.max(F.when(whole, F.col("place"))).over(item), F.lit(1))
    last = F.max("place").over(item)
    needed = order.withColumns({"_since": since, "_last": last}).where("place >= _since")
    rows = needed.repartition("item_id").sortWithinPartitions("item_id", "place")
    rows = rows.select(
        "item_id",
        F.coalesce("op", F.lit("u")).alias("op"),
        "lsn_text",
        "ts_ms",
        F.unix_millis("ingest_time").alias("arrived_ms"),
        "unavailable",
        *PRODUCT,
        (F.col("place") == F.col("_last")).alias("is_newest"),
    )
    writer = ProductWriter(redis_target(config), config.redis.prefix, config.streaming.redis_rows_per_call)
    return sum(row["items"] for row in rows.mapInArrow(writer, "items bigint").collect())
