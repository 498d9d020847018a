"""What the jobs `ctr` and `als` last found to have moved, as gauges: read from Redis when Prometheus asks.

Every process reads the same, so whichever is asked answers for all. Without a run, or without Redis, there is nothing
new to show: what was read last stays, and `stylestream_ctr_measured_timestamp_seconds` says how old it is.
"""

from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Gauge
from redis.exceptions import RedisError

from common.keys import Keys


class Drift:
    """Gauges in a registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(f"stylestream_{name}", what, labels, registry=registry, multiprocess_mode="mostrecent")

        self._psi = gauge("ctr_input_psi", "PSI of a feature: the rows that trained beside the newest.", "feature")
        what = "Clicks per 100 exposures, in the part that trained the click-through model and in the newest."
        self._rate = gauge("click_through", what, "surface", "part")
        self._at = gauge("ctr_measured_timestamp_seconds", "When these two were measured.")
        self._als = gauge("als_input_psi", "PSI of what ALS learns from: the run before beside the last.", "input")

    async def refresh(self, client: Any, keys: Keys) -> None:
        """Sets the gauges from what the jobs left; `client` is asyncio Redis."""
        pipeline = client.pipeline(transaction=False)
        pipeline.get(keys.ctr_drift)
        pipeline.get(keys.als_drift)
        try:
            ctr, als = await pipeline.execute()
        except RedisError:
            return
        if ctr:
            self._show(orjson.loads(ctr))
        for name, value in (orjson.loads(als)["psi"] if als else {}).items():
            self._als.labels(name).set(value)

    def _show(self, found: dict[str, Any]) -> None:
        for feature, value in found["psi"].items():
            self._psi.labels(feature).set(value)
        for surface, parts in found["click_through"].items():
            for part, rate in parts.items():
                self._rate.labels(surface or "all", part).set(rate)
        self._at.set(found["at_ms"] / 1000)
