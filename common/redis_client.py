"""Redis connections from one configuration."""

from dataclasses import dataclass
from typing import Any

import redis

from common.config import Config
from common.endpoints import redis_url


@dataclass(frozen=True)
class RedisTarget:
    """What a process on another machine needs to reach Redis: picklable, so that executors can take it."""

    url: str
    cluster: bool
    ssl_cafile: str

    def connect(self) -> redis.Redis:
        """A client that answers bytes. Connecting happens at the first command."""
        client: Any = redis.RedisCluster if self.cluster else redis.Redis
        return client.from_url(self.url, **self.options())  # type: ignore[no-any-return]

    def options(self) -> dict[str, Any]:
        """Keyword arguments for `from_url`, the same for blocking and asyncio clients."""
        options: dict[str, Any] = {
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "health_check_interval": 30,
        }
        if self.ssl_cafile:
            options["ssl_ca_certs"] = self.ssl_cafile
        return options


def redis_target(config: Config) -> RedisTarget:
    """Where Redis is, by configuration."""
    return RedisTarget(redis_url(config), config.redis.cluster, config.redis.ssl_cafile)
