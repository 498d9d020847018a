"""Redis' clock as tests move it: what would have expired is gone, all else has so much less time left."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from common.config import Config
from common.config_load import load_config
from tests.conftest import for_tests
from tests.integration.own_redis import OwnRedis

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


@contextmanager
def with_a_clock(folder: Path) -> Iterator[Config]:
    """A configuration with a Redis of its own, so that few keys have to be looked at when time passes."""
    server = OwnRedis()
    server.start()
    try:
        yield for_tests(folder, redis=dataclasses.replace(load_config(env={}).redis, url=server.url))
    finally:
        server.kill()


def let_pass(client: redis.Redis, config: Config, seconds: int) -> None:
    """Moves the clock of all keys under the configuration's prefix."""
    names = list(client.scan_iter(f"{config.redis.prefix}:*", count=1000))
    with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.pttl(name)
        for name, left in zip(names, pipe.execute(), strict=True):
            if left >= 0:
                pipe.pexpire(name, left - seconds * 1000)  # at once where that is past
        pipe.execute()
