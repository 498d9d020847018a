"""What `stylestream status` tells beside the servers: each streaming query, the live model, the API."""

import time
from collections.abc import Iterator
from typing import Any

import orjson
import redis

from common.config import Config
from common.endpoints import api_address
from common.errors import UnavailableError
from common.keys import Keys
from common.models.canary import load
from common.redis_client import redis_target
from local.alone import demo_address
from local.ready import not_ready


def parts(config: Config) -> Iterator[tuple[str, str]]:
    """(name, what is known of it in one line) of the queries, the model and the API; never fails."""
    keys = Keys(config.redis.prefix)
    names = config.streaming.queries
    try:
        with redis_target(config).connect() as client:
            reports: list[Any] = [client.get(keys.progress(name)) for name in names]
            live: Any = client.get(keys.live_model)
            beside = load(client.get(keys.canary))  # type: ignore[arg-type]
    except (redis.RedisError, UnavailableError, OSError, ValueError):
        yield from ((name, "unknown: Redis does not answer") for name in (*names, "model"))
    else:
        now_ms = time.time_ns() // 1_000_000
        yield from ((name, progress(report, now_ms)) for name, report in zip(names, reports, strict=True))
        canary = f", canary {beside}" if beside else ""
        yield "model", f"version {live.decode()} is live{canary}" if live else "none is live yet"
    yield "api", _api(config)


def progress(report: bytes | None, now_ms: int) -> str:
    """A query's last report (`streaming.watch`) in one line; reports expire some minutes after the query's end."""
    if report is None:
        return "not running, or its first micro-batch has not ended yet"
    said = orjson.loads(report)
    age = max(0, now_ms - (said.get("progress_at_ms") or said["written_at_ms"])) // 1000
    failed = f", failed {said['failures']} times in a row" if said.get("failures") else ""
    return f"batch {said['batch_id']}, {said['rows']} rows, {age} s ago{failed}"


def _api(config: Config) -> str:
    address = demo_address(config) or api_address(config.serving)
    lacking = not_ready(address)
    return f"ready at {address}" if lacking is None else f"not ready at {address}: {lacking}"
