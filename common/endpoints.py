"""Where Kafka and Redis are: the configured address, or that of the embedded servers in the state folder."""

import json
from pathlib import Path

from common.config import Config
from common.errors import UnavailableError

EMBEDDED = "embedded"


def endpoints_file(state_dir: str) -> Path:
    """The file in which `local.embedded` notes the addresses of the servers it runs."""
    return Path(state_dir) / "run" / "endpoints.json"


def kafka_servers(config: Config) -> str:
    """`host:port,…` of the brokers; `UnavailableError` when embedded servers are asked for but not up."""
    return _resolve(config, config.kafka.bootstrap_servers, "kafka")


def redis_url(config: Config) -> str:
    """URL of Redis; `UnavailableError` when the embedded server is asked for but not up."""
    return _resolve(config, config.redis.url, "redis")


def _resolve(config: Config, configured: str, name: str) -> str:
    if configured != EMBEDDED:
        return configured
    file = endpoints_file(config.state_dir)
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))[name])
    except (OSError, ValueError, KeyError):
        raise UnavailableError(
            f"the embedded {name} is not running (no {file}):"
            " run 'stylestream up', or name a server in the configuration"
        ) from None
