"""Change records as Debezium's documentation shows them, of a table of products, and what Spark makes of them."""

from datetime import datetime, timezone
from typing import Any

import orjson
from pyspark.sql import DataFrame, SparkSession

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
LEFT_OUT = "__debezium_unavailable_value"
RECORD = "value binary, topic string, partition int, offset long, timestamp timestamp"
SOURCE = {  # of the PostgreSQL connector's documented update event
    "version": "3.2.0.Final",
    "connector": "postgresql",
    "name": "PostgreSQL_server",
    "ts_ms": 1559033904863,
    "ts_us": 1559033904863769,
    "ts_ns": 1559033904863769000,
    "snapshot": False,
    "db": "postgres",
    "schema": "public",
    "table": "customers",
    "txId": 556,
    "lsn": 24023128,
    "xmin": None,
}
ROW = {"item_id": "1", "title": "Anne Marie", "category": "dresses", "price": 10.5, "stock": 3, "status": "active"}


def update(op: str = "u", source: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    """The documented update (or create, or read) with `values` in its row; `source` replaces parts of its source."""
    times = {"ts_ms": 1465584025523, "ts_us": 1465584025523514, "ts_ns": 1465584025523514964}
    row = {**ROW, **values}
    return {
        "before": {"item_id": row["item_id"]},
        "after": row,
        "source": {**SOURCE, **(source or {})},
        "op": op,
    } | times


def delete(source: dict[str, Any] | None = None, item: str = "1") -> dict[str, Any]:
    """The documented delete: `before` holds the primary key and nothing else."""
    return update("d", source) | {"before": {"item_id": item}, "after": None}


def wrapped(payload: Any, **types: dict[str, Any]) -> dict[str, Any]:
    """The record as a converter with `schemas.enable` writes it; `types` are the schemas of fields."""
    text = {name: {"type": "string", "optional": True} for name in (*ROW, "launch_date")} | types
    fields = [{**kind, "field": name} for name, kind in text.items()]
    value = {"type": "struct", "optional": True, "name": "PostgreSQL_server.inventory.customers.Value"}
    rows = [{**value, "fields": fields, "field": name} for name in ("before", "after")]
    others = [
        {"type": "string", "optional": False, "field": "op"},
        {"type": "int64", "optional": True, "field": "ts_ms"},
    ]
    name = "PostgreSQL_server.inventory.customers.Envelope"
    return {"schema": {"type": "struct", "fields": rows + others, "optional": False, "name": name}, "payload": payload}


def records(spark: SparkSession, messages: list[Any]) -> DataFrame:
    """Kafka's records of the messages, in that order; bytes and None as they are."""
    values = [m if m is None or isinstance(m, bytes) else orjson.dumps(m) for m in messages]
    rows = [(None if value is None else bytearray(value), "catalog", 0, n, NOW) for n, value in enumerate(values)]
    return spark.createDataFrame(rows, RECORD)
