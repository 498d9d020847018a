"""Reads the same bytes as the collector does and as Spark does, and says where they differ."""

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import orjson
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from common import events as contract
from common.sources.parse import parse
from common.validate import Rejection, read_event
from serving.records import as_json
from streaming.lake import lake_events
from tests.fuzz.messages import NOW_MS

NOW = datetime.fromtimestamp(NOW_MS / 1000, timezone.utc)
RECORD = "value binary, topic string, partition int, offset long, timestamp timestamp"
VALUES = (*contract.FIELD_NAMES, "payment", "properties")


def differences(spark: SparkSession, messages: Sequence[bytes]) -> list[str]:
    """One line for each message on which verdict, field, reason or any value differ.

    The values compared are those of the record itself and of what the collector makes of it, both as the lake has them.
    """
    verdicts = [read_event(message, NOW_MS) for message in messages]
    produced = [b"" if isinstance(v, Rejection) else as_json(v) for v in verdicts]
    judged, taken, remade = _verdicts(spark, messages), _values(spark, messages), _values(spark, produced)
    lines = []
    for number, (message, verdict) in enumerate(zip(messages, verdicts, strict=True)):
        python = (verdict.field, verdict.reason) if isinstance(verdict, Rejection) else (None, None)
        if python != judged[number]:
            lines.append(f"{number}: {message[:400]!r}: the collector says {python}, Spark {judged[number]}")
        elif python == (None, None) and taken.get(number) != remade.get(number):
            lines.append(f"{number}: {message[:400]!r}: {_apart(taken.get(number), remade.get(number))}")
    return lines


def _apart(taken: dict[str, Any] | None, remade: dict[str, Any] | None) -> str:
    if taken is None or remade is None:
        return f"valid by {'HTTP' if taken is None else 'Kafka'} only"
    apart = {name: (taken[name], remade[name]) for name in taken if taken[name] != remade[name]}
    return f"by Kafka and by HTTP: {apart}"


def _records(spark: SparkSession, messages: Sequence[bytes]) -> Any:
    rows = [(bytearray(message), "behavior", 0, offset, NOW) for offset, message in enumerate(messages)]
    return parse(spark.createDataFrame(rows, RECORD))


def _verdicts(spark: SparkSession, messages: Sequence[bytes]) -> dict[int, tuple[str | None, str | None]]:
    rows = _records(spark, messages).select("offset", "field", "reason").collect()
    return {row.offset: (row.field, row.reason) for row in rows}


def _values(spark: SparkSession, messages: Sequence[bytes]) -> dict[int, dict[str, Any]]:
    rows = lake_events(_records(spark, messages)).withColumn("event_time", F.unix_millis("event_time"))
    return {row.offset: _plain(row) for row in rows.select("offset", *VALUES).collect()}


def _plain(row: Row) -> dict[str, Any]:
    values = row.asDict(recursive=True)
    del values["offset"]
    values["payment"] = {name: v for name, v in (values["payment"] or {}).items() if v is not None}
    values["properties"] = orjson.loads(values["properties"] or "{}")
    return values
