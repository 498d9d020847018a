"""What the batch layer has reached for the first time in this run of the demo, a line each."""

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import redis

from common.config import Config
from common.errors import UnavailableError
from common.keys import Keys
from common.redis_client import redis_target

EVERY_SECONDS = 2.0


def _model(version: str) -> str:
    return f"model {version} is live: For You is personal now"


def _merged(minute: str) -> str:
    until = datetime.fromtimestamp(int(minute) * 60, timezone.utc)
    return f"facts are merged: the batch layer vouches for all up to {until:%Y-%m-%dT%H:%MZ}"


class Milestones:
    """Asks Redis at most every two seconds, and no more once everything has been told."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        keys = Keys(config.redis.prefix)
        self._config, self._clock = config, clock
        self._left: dict[str, Callable[[str], str]] = {keys.live_model: _model, keys.horizon: _merged}
        self._due = clock()

    def news(self) -> list[str]:
        """Lines about what was not there at the last look; none while Redis does not answer."""
        if not self._left or self._clock() < self._due:
            return []
        self._due = self._clock() + EVERY_SECONDS
        found: dict[str, Any] = {}
        try:
            with redis_target(self._config).connect() as client:
                found = {key: client.get(key) for key in self._left}
        except (redis.RedisError, UnavailableError):
            return []
        return [self._left.pop(key)(value.decode()) for key, value in found.items() if value]
