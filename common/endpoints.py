"""Where Kafka and Redis are: the configured address, or that of the embedded servers in the state folder."""

import json
from pathlib import Path

from common.config import Config, ServingConfig
from common.errors import UnavailableError

EMBEDDED = "embedded"
ANYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # listened on → asked by who is on this machine


def endpoints_file(state_dir: str) -> Path:
    """The file in which `local.embedded` notes the addresses of the servers it runs."""
    return Path(state_dir) / "run" / "endpoints.json"


def url_of(host: str, port: int, root_path: str = "") -> str:
    """`http://host:port/root_path`; an IPv6 address stands in brackets."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{root_path}"


def api_address(serving: ServingConfig) -> str:
    """Where the API is asked on its own machine."""
    return url_of(ANYWHERE.get(serving.host, serving.host), serving.port, serving.root_path)


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
