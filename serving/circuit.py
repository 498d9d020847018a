"""A circuit breaker (Nygard, "Release It!", 2007): while a store is away, requests are refused at once.

The libraries for it count calls that have failed; here a call fails after the ten seconds that Kafka may take, and by
then hundreds wait. So a suspicion is enough to ask the store itself: where that does not answer in time the circuit
opens, and it is asked again and again until it does. Whoever waits already goes on waiting.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from serving.errors import unavailable

PROBE_SECONDS = 0.8  # what an answer may take
AGAIN_SECONDS = 0.5

log = logging.getLogger("stylestream.serving")


class Circuit:
    """`probe` returns when the store `name` answers, and raises where it does not."""

    def __init__(self, name: str, probe: Callable[[], Awaitable[object]]) -> None:
        self._name = name
        self._probe = probe
        self._watching: asyncio.Task[None] | None = None
        self.is_open = False

    def check(self) -> None:
        """503 with Retry-After while the circuit is open."""
        if self.is_open:
            raise unavailable(f"{self._name} does not answer")

    def suspect(self) -> None:
        """Something that was asked has failed or takes long: looks whether the store answers. On the event loop."""
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while not await self._answers():
            if not self.is_open:
                log.warning("%s does not answer: requests are refused until it does", self._name)
            self.is_open = True
            await asyncio.sleep(AGAIN_SECONDS)
        if self.is_open:
            log.warning("%s answers again", self._name)
        self.is_open = False

    async def _answers(self) -> bool:
        try:
            await asyncio.wait_for(self._probe(), PROBE_SECONDS)
        except Exception:  # whatever it is, the store cannot be used
            return False
        return True

    def close(self) -> None:
        """No more looking."""
        if self._watching is not None:
            self._watching.cancel()
