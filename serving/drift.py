"""What the jobs `ctr` and `als` last found to have moved, as gauges: read from Redis when Prometheus asks.

Every process reads the same, so whichever is asked answers for all. Without a run, or without Redis, there is nothing
new to show: what was read last stays, and `stylestream_ctr_measured_timestamp_seconds` says how old it is. A series
that the newest run no longer has is NaN: in files that several processes share, none can be removed.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, Gauge
from redis.exceptions import RedisError

from common.keys import Keys

log = logging.getLogger(__name__)


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
        pipeline.get(keys.drift("ctr"))
        pipeline.get(keys.drift("als"))
        try:
            ctr, als = await pipeline.execute()
        except RedisError:
            return
        try:
            if ctr:
                self._show(orjson.loads(ctr))
            if als:
                _set(self._als, {(name,): value for name, value in orjson.loads(als)["psi"].items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("what has moved cannot be read, it is of another release: %s", type(error).__name__)

    def _show(self, found: dict[str, Any]) -> None:
        _set(self._psi, {(feature,): value for feature, value in found["psi"].items()})
        rates: dict[str, dict[str, float | None]] = found["click_through"]
        _set(self._rate, {(one or "all", part): rate for one, parts in rates.items() for part, rate in parts.items()})
        self._at.set(found["at_ms"] / 1000)


def _set(gauge: Gauge, values: Mapping[tuple[str, ...], float | None]) -> None:
    """These series and no others; NaN for what could not be measured."""
    before = {tuple(sample.labels.values()) for metric in gauge.collect() for sample in metric.samples}
    for labels in before | values.keys():
        value = values.get(labels)
        gauge.labels(*labels).set(math.nan if value is None else value)
