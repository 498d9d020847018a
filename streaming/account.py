"""What a micro-batch did with the records that it read: how many it counted, had seen before, or found too late.

Spark reports this after the micro-batch is committed, so that a process which dies in between would lose it. So it is
read from the stateful operators as soon as the rows are written, and noted before the commit: a micro-batch that runs
again has the same offsets and the same watermark, and its note replaces the one before.
"""

from typing import Any

import orjson
import redis
from pyspark.sql import SparkSession

from common.audit import Account, Counts, Offsets
from common.config import Config
from common.keys import Keys
from common.redis_client import redis_target
from common.sinks.scripts import Fenced
from common.sources.kafka_ends import partition_ends
from streaming.query import checkpoint
from streaming.under_way import by_partition, execution_of, offsets_of

DEDUPLICATE = "StreamingDeduplicateWithinWatermark"
LATE, COPIES, ROWS = "numRowsDroppedByWatermark", "numDroppedDuplicateRows", "numOutputRows"


def note(spark: SparkSession, config: Config, name: str, batch_id: int) -> None:
    """Adds the micro-batch that is under way to the account of the query `name`; from `foreachBatch`, after writing."""
    execution = execution_of(spark)
    key = Keys(config.redis.prefix).account(name)
    start, end = offsets_of(execution.committedOffsets()), offsets_of(execution.availableOffsets())
    # Nothing is committed before the first micro-batch; partitions may be added later.
    if lacking := [name for name in end if name not in start]:
        start |= partition_ends(config, lacking)[0] | {
            place: offset for place, offset in _first(spark, config, name).items() if place in lacking
        }
    counts = _counts(execution.lastExecution().executedPlan(), sum(end[place] - start[place] for place in end))
    with redis_target(config).connect() as client:
        known: Any = client.get(key)
        before = Account.read(known) if known else None
        account = Account.after(before, str(execution.id()), batch_id, start, end, counts)
        write(client, config, name, account)


def note_read(spark: SparkSession, config: Config, name: str) -> None:
    """Notes up to where the query `name` has written everything; at the end of `foreachBatch`. An audit that looks at
    its tables while a micro-batch has written only some of them leaves alone what is beyond."""
    with redis_target(config).connect() as client:
        offsets = offsets_of(execution_of(spark).availableOffsets())
        write(client, config, name, offsets)


def write(client: redis.Redis, config: Config, name: str, noted: Account | Offsets) -> None:
    """A query that was paused while another took over must not take that one's account back."""
    Fenced(client, "account", config.fence)(keys=[Keys(config.redis.prefix).account(name)], args=[orjson.dumps(noted)])


def _first(spark: SparkSession, config: Config, name: str) -> dict[str, int]:
    """The offsets that the query began at, as the source has noted them: a version, then JSON."""
    lines = spark.read.text(f"{checkpoint(config, name)}/sources/0/0", wholetext=True).collect()
    return by_partition(orjson.loads(lines[0]["value"].partition("\n")[2]))


def _counts(plan: Any, offsets: int) -> Counts:
    """Of the operator that finds copies, which is the first to see what is late, and of the scan below it, which reads
    fewer rows than `offsets` where some hold no record; a call to the JVM costs 0.1 ms."""
    while plan.nodeName() != DEDUPLICATE:
        plan = plan.child()
    metrics = plan.metrics()
    counted, copies, late = (int(metrics.apply(name).value()) for name in (ROWS, COPIES, LATE))
    while plan.children().size():
        plan = plan.child()
    return Counts(counted, copies, late, offsets - int(plan.metrics().apply(ROWS).value()))
