"""Redis connections from one configuration."""

import re
from dataclasses import dataclass
from typing import Any

import redis

from common.config import Config
from common.endpoints import redis_url

# A Redis that answers, but refuses: its words for it, at the start of the answer or in that of a script.
REFUSALS = {
    "OOM": "Redis refuses writes: its memory is full (maxmemory)",
    "READONLY": "Redis refuses writes: it is a read-only replica",
    "MISCONF": "Redis refuses writes: it cannot save to its disk",
    "LOADING": "Redis is loading its data",
}
REFUSED = re.compile(r"(?:^|caused error: \W{0,2}|-)(OOM|READONLY|MISCONF|LOADING)\b")


def trouble(error: redis.RedisError) -> str:
    """What is wrong with Redis, for callers and logs: nothing of the error's own text, which may hold a command."""
    if (code := _code(error)) in REFUSALS:
        return REFUSALS[code]
    gone = isinstance(error, redis.ConnectionError | redis.TimeoutError)
    return "Redis does not answer" if gone else f"Redis refuses a command ({type(error).__name__})"


def loading(error: redis.RedisError) -> bool:
    """Whether it only needs time: it reads its data after a start."""
    return _code(error) == "LOADING" or isinstance(error, redis.exceptions.BusyLoadingError)


def _code(error: redis.RedisError) -> str:
    found = REFUSED.search(str(error))  # first: a script's error has a code of its own, and the reason in its text
    return found.group(1) if found else getattr(error, "status_code", None) or ""


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
