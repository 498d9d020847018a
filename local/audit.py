"""Accounts for every message of the topics that are counted: Kafka's offsets, the query's account, the lake."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import redis

from common.audit import Account, Audit, Offsets
from common.config import Config
from common.errors import StylestreamError
from common.keys import Keys
from common.redis_client import redis_target
from common.sources.kafka_ends import partition_ends
from common.sources.lake_audit import Ranges, lake_partitions

QUERY, LAKE = "facts", "lake"
POLL_SECONDS = 1.0
KEEP_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Standing:
    """An audit, and what the query had not read yet."""

    audit: Audit
    unread: int


def audited(config: Config, wait: float, sleep: Callable[[float], None] = time.sleep) -> Standing:
    """The audit of all that `facts` has read, once the lake has it too; waits up to `wait` seconds for that.

    Notes the result in Redis, where the page shows it. `StylestreamError` where nothing has been noted by the query,
    `UnavailableError` where Kafka, Redis or the lake cannot be reached.
    """
    until = time.monotonic() + wait
    keys = Keys(config.redis.prefix)
    with redis_target(config).connect() as client:
        known = client.get(keys.account(QUERY))
        if known is None:
            raise StylestreamError(
                f"the query '{QUERY}' has noted nothing yet: its first micro-batch has not ended, or it does not run"
                " ('stylestream status' says which, 'stylestream stream' starts it)"
            )
        account = Account.read(known)  # type: ignore[arg-type]
        _, highs = partition_ends(config, list(account.end))
        ranges: Ranges = {name: (account.start[name], end) for name, end in account.end.items()}
        while not (written := _written(client, keys)).items() >= account.end.items() and time.monotonic() < until:
            sleep(POLL_SECONDS)
        audit = Audit(lake_partitions(config, ranges, written), account.total())
        result = {"at_ms": time.time_ns() // 1_000_000, "line": str(audit), "balances": audit.balances}
        client.set(keys.account("audit"), orjson.dumps(result), ex=KEEP_SECONDS)
    return Standing(audit, sum(highs[name] - end for name, end in account.end.items()))


def _written(client: redis.Redis, keys: Keys) -> Offsets:
    """Up to where all tables of the lake are written, as its query has noted; empty before it has."""
    noted: Any = client.get(keys.account(LAKE))
    return orjson.loads(noted) if noted else {}
