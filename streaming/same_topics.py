"""Whether the topics are those that a query's checkpoint knows. One that was deleted and made anew begins at offset 0:
a query that goes on at its old offset would pass over all messages before it, in silence once there are so many."""

from typing import Any

import orjson
from pyspark.sql import SparkSession

from common.config import Config
from common.errors import StylestreamError
from common.keys import Keys
from common.redis_client import redis_target
from common.sources.topic_ids import topic_ids
from streaming.under_way import execution_of, offsets_of


def check_topics(spark: SparkSession, config: Config, name: str, checkpoint: str) -> None:
    """From `foreachBatch` of the query `name`. `StylestreamError` where one of its topics is another than at its last
    start from this checkpoint; else notes which they are. Where Redis was emptied meanwhile that is not known."""
    execution = execution_of(spark)
    key = Keys(config.redis.prefix).account(f"topics of {name}")
    now = topic_ids(config, {place.rpartition("/")[0] for place in offsets_of(execution.availableOffsets())})
    with redis_target(config).connect() as client:
        noted: Any = client.get(key)
        known = orjson.loads(noted) if noted else {}
        before = known["topics"] if known.get("query") == str(execution.id()) else {}
        if anew := sorted(topic for topic in now if before.get(topic, now[topic]) != now[topic]):
            raise StylestreamError(
                f"made anew since the last start: {', '.join(anew)}; the old offsets mean other messages:"
                f" stop the stream and remove {checkpoint}"
            )
        client.set(key, orjson.dumps({"query": str(execution.id()), "topics": now}))
