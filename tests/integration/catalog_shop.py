"""Changes into a real Redis, and the product that they leave."""

from datetime import timedelta
from typing import Any

import redis
from pyspark.sql import DataFrame, SparkSession

from common.config import Config
from common.keys import Keys
from common.sinks.products import write_products
from tests.change_records import LEFT_OUT, NOW

PRODUCT = ("title", "category", "brand", "style", "launch_date", "status", "price", "stock")
CHANGES = (
    "item_id string, op string, title string, category string, brand string, style string, launch_date string,"
    " status string, price double, stock bigint, lsn bigint, ts_ms bigint, lsn_text string, unavailable array<string>,"
    " reason string, offset bigint, ingest_time timestamp"
)
TYPES = {"price": float, "stock": int}


def parsed(spark: SparkSession, messages: list[Any], first: int = 0) -> DataFrame:
    """What `parse_changes` makes of the messages (tests/spark says so), without the seconds that Spark plans it for.

    They arrive a millisecond after one another, in a topic that begins at offset 0.
    """
    rows = []
    for n, change in enumerate(messages):
        row, source = change["after"] or change["before"], change["source"]
        known = {name: row.get(name) for name in PRODUCT if row.get(name) != LEFT_OUT}
        known = {name: TYPES.get(name, str)(value) for name, value in known.items() if value is not None}
        lsn = source["lsn"] if source["lsn"] is None else str(source["lsn"])
        absent = [name for name in PRODUCT if row.get(name) == LEFT_OUT] or None
        marks = {"lsn_text": lsn, "ts_ms": source["ts_ms"], "unavailable": absent, "offset": n}
        arrived = NOW + timedelta(milliseconds=first + n)
        rows.append({"item_id": row["item_id"], "op": change["op"], "ingest_time": arrived} | known | marks)
    return spark.createDataFrame(rows, CHANGES)


class Shop:
    """Writes batches of changes one after another, and says what stands."""

    def __init__(self, spark: SparkSession, config: Config, connection: redis.Redis) -> None:
        self.spark, self.config, self.redis = spark, config, connection
        self.arrived = 0

    def take(self, *messages: Any) -> None:
        write_products(parsed(self.spark, list(messages), self.arrived), self.config)
        self.arrived += len(messages)

    def product(self, item: str = "1") -> dict[str, str]:
        fields = self.redis.hgetall(Keys(self.config.redis.prefix).product(item))
        return {name.decode(): value.decode() for name, value in fields.items() if name.decode() in PRODUCT}


def at(lsn: Any, ts_ms: int = 1559033904863) -> dict[str, Any]:
    return {"lsn": lsn, "ts_ms": ts_ms}
