"""Asks the configured Kafka and Redis, ours or given, whether they answer: one clear line when not."""

import redis
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from common.config import Config
from common.endpoints import kafka_servers, redis_url
from common.errors import UnavailableError
from common.kafka_client import kafka_python_settings
from common.keys import Keys
from common.redis_client import redis_target

KAFKA_MS = 8000


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
    for query in config.streaming.queries:
        client.delete(keys.progress(query))
    client.close()


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
