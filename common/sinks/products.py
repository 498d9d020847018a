"""The product cache: each item as the source's newest change left it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.config import Config
from common.keys import Keys
from common.redis_client import RedisTarget, redis_target
from common.sinks.scripts import lua

FIELDS = ("title", "category", "brand", "style", "launch_date", "status", "price", "stock")


@dataclass(frozen=True)
class ProductWriter:
    """What an executor needs to write products; picklable."""

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
                            fields = [x for n in FIELDS if row[n] is not None for x in (n, str(row[n]))]
                            args = [row["lsn"], row["op"], *(fields or ["status", "active"])]
                            script(keys=[keys.product(row["item_id"])], args=args, client=pipe)
                        pipe.execute()
                yield pa.RecordBatch.from_pydict({"rows": [len(rows)]})


def write_products(changes: DataFrame, config: Config) -> int:
    """Writes the newest change of each item; returns how many. In: valid rows of `common.sources.catalog`."""
    newest = Window.partitionBy("item_id").orderBy(F.desc("lsn"), F.desc("offset"))
    last = changes.withColumn("_rank", F.row_number().over(newest)).filter("_rank = 1")
    rows = last.select("item_id", "op", "lsn", *FIELDS[:-2], "price", "stock")
    writer = ProductWriter(redis_target(config), config.redis.prefix, config.streaming.redis_rows_per_call)
    return sum(row["rows"] for row in rows.mapInArrow(writer, "rows bigint").collect())
