"""What a micro-batch did with the records that it read: how many it counted, had seen before, or found too late.

Spark reports this after the micro-batch is committed, so that a process which dies in between would lose it. So it is
read from the stateful operators as soon as the rows are written, and noted before the commit: a micro-batch that runs
again has the same offsets and the same watermark, and its note replaces the one before.
"""

from typing import Any

import orjson
from pyspark.sql import SparkSession

from common.audit import Account, Counts
from common.config import Config
from common.keys import Keys
from common.redis_client import redis_target
from common.sources.kafka_ends import partition_ends

DEDUPLICATE = "StreamingDeduplicateWithinWatermark"
LATE, COPIES, ROWS = "numRowsDroppedByWatermark", "numDroppedDuplicateRows", "numOutputRows"


def note(spark: SparkSession, config: Config, name: str, batch_id: int) -> None:
    """Adds the micro-batch that is under way to the account of the query `name`; from `foreachBatch`, after writing."""
    execution = _execution(spark)
    key = Keys(config.redis.prefix).account(name)
    counts = _counts(execution.lastExecution().executedPlan())
    start, end = _offsets(execution.committedOffsets()), _offsets(execution.availableOffsets())
    # Nothing is committed before the first micro-batch; partitions may be added later.
    if lacking := [name for name in end if name not in start]:
        start |= partition_ends(config, lacking)[0]
    with redis_target(config).connect() as client:
        known: Any = client.get(key)
        before = Account.read(known) if known else None
        account = Account.after(before, str(execution.id()), batch_id, start, end, counts)
        client.set(key, orjson.dumps(account))


def _execution(spark: SparkSession) -> Any:
    query = spark.sparkContext.getLocalProperty("sql.streaming.queryId")
    if query is None:
        raise RuntimeError("note is for foreachBatch: there is no streaming query here")
    return spark._jsparkSession.streams().get(query).streamingQuery()  # type: ignore[attr-defined]


def _counts(plan: Any) -> Counts:
    """Of the operator that finds copies, which is the first to see what is late; a call to the JVM costs 0.1 ms."""
    while plan.nodeName() != DEDUPLICATE:
        plan = plan.child()
    metrics = plan.metrics()
    return Counts(*(int(metrics.apply(name).value()) for name in (ROWS, COPIES, LATE)))


def _offsets(progress: Any) -> dict[str, int]:
    """`topic/partition` → offset of what is read next."""
    values = progress.values().toSeq()
    found = orjson.loads(values.apply(0).json()) if values.size() else {}
    return {f"{topic}/{partition}": offset for topic, parts in found.items() for partition, offset in parts.items()}
