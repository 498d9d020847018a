"""How long ago each streaming query last ended a micro-batch: for alerts, read from Redis when Prometheus asks.

A query that is down or hangs reports nothing newer, and its report expires some minutes later (`streaming.watch`): from
then on the age is infinite, which is above any threshold.
"""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Gauge
from redis.exceptions import RedisError

from common.keys import Keys


class QueryAges:
    """A gauge in a registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauge = Gauge(
            "stylestream_query_age_seconds",
            "Since the streaming query last ended a micro-batch; +Inf where nothing is known.",
            ("query",),
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    async def refresh(self, client: Any, keys: Keys, queries: Sequence[str]) -> None:
        """Sets the gauge from the queries' reports; `client` is asyncio Redis."""
        try:
            reports = await client.mget([keys.progress(query) for query in queries])
        except RedisError:
            reports = [None] * len(queries)
        for query, report in zip(queries, reports, strict=True):
            self._gauge.labels(query).set(query_age(orjson.loads(report)) if report else math.inf)


def query_age(report: Mapping[str, Any]) -> float:
    """Seconds since the query last ended a micro-batch, by its report."""
    ended: int = report.get("progress_at_ms") or report["written_at_ms"]
    return max(0.0, time.time() - ended / 1000)
