"""Asks the configured Kafka and Redis, ours or given, whether they answer: one clear line when not."""

import json
import time
from contextlib import suppress
from typing import Any

import redis
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from common.config import Config
from common.endpoints import kafka_servers, redis_url
from common.errors import UnavailableError
from common.kafka_client import kafka_python_settings
from common.keys import Keys
from common.redis_client import redis_target, trouble

KAFKA_MS = 8000
KEEPS_ALL = "noeviction"
EVICTS = "it may throw facts away when its memory is full, and numbers become wrong: maxmemory-policy is {}"
EVICTS_MEND = "set maxmemory-policy noeviction, then run 'stylestream rebuild'"
REFUSES_MEND = "see 'How Redis is to be set' in docs/operations.md"
DEMO = "demo"  # what Redis calls the demo's own report
TROUBLES_SECONDS = 24 * 3600


def kafka_admin(config: Config) -> KafkaAdminClient:
    """A connected admin client, to be closed by the caller.

    `UnavailableError` within ten seconds when there is no answer.
    """
    servers = kafka_servers(config)
    try:
        return KafkaAdminClient(
            **kafka_python_settings(config), bootstrap_timeout_ms=KAFKA_MS, request_timeout_ms=KAFKA_MS
        )
    except (KafkaError, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise UnavailableError(
            f"Kafka at {servers} does not answer ({why}): check kafka.bootstrap_servers and its security keys"
        ) from None


def check_kafka(config: Config) -> str:
    """Where Kafka answered; `UnavailableError` otherwise."""
    kafka_admin(config).close()
    return kafka_servers(config)


def forget_progress(config: Config) -> None:
    """Drops the last run's reports of the streaming queries, by which this run would seem ready at once."""
    client = redis_target(config).connect()
    keys = Keys(config.redis.prefix)
    for query in (*config.streaming.queries, DEMO):
        client.delete(keys.progress(query))
    client.close()


def note_troubles(config: Config, troubles: list[str]) -> None:
    """What the demo had to start again, for the page; where Redis is what has stopped, the next note has it too."""
    last = troubles[-1].partition(" (log: ")[0]
    note = {"number": len(troubles), "last": last, "at_ms": time.time_ns() // 1_000_000}
    client = redis_target(config).connect()
    with suppress(redis.RedisError):
        client.set(Keys(config.redis.prefix).progress(DEMO), json.dumps(note), ex=TROUBLES_SECONDS)
    client.close()


def redis_warning(config: Config) -> tuple[str, str]:
    """What is wrong with a Redis that answers, and the cure; two empty texts where nothing is."""
    try:
        with redis_target(config).connect() as client:
            found: Any = client.info("memory")
            client.set(Keys(config.redis.prefix).progress("status"), 1, ex=60)
    except redis.RedisError as error:
        return trouble(error), REFUSES_MEND
    policy = found.get("maxmemory_policy", KEEPS_ALL)  # some services do not show it
    return ("", "") if policy == KEEPS_ALL else (EVICTS.format(policy), EVICTS_MEND)


def check_redis(config: Config) -> str:
    """Where Redis answered; `UnavailableError` otherwise. Passwords in the URL are not shown."""
    shown = redis_url(config).rsplit("@", 1)[-1]
    try:
        client = redis_target(config).connect()
        client.ping()
        client.close()
    except (redis.RedisError, ValueError, OSError) as error:
        why = " ".join(str(error).split())[:200]
        raise UnavailableError(f"Redis at {shown} does not answer ({why}): check redis.url") from None
    return shown
