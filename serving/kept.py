"""Answers kept in the process for a moment: who asks while one is being made waits for that one."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

MOST = 256


class Kept:
    """At most `most` answers, the longest unused leaves first. A failure is not kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._answers: OrderedDict[Hashable, tuple[float, asyncio.Future[Any]]] = OrderedDict()
        self._renewals: set[asyncio.Future[Any]] = set()  # so that they are not collected half-way

    async def get(self, key: Hashable, seconds: float, make: Callable[[], Awaitable[Any]]) -> Any:
        """The answer for `key` that is less than `seconds` old, or a new one."""
        now = self._clock()
        until, answer = self._answers.get(key, (now, None))
        if answer is None or until <= now or _failed(answer):
            answer = asyncio.ensure_future(make())
            self._answers[key] = (now + seconds, answer)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        self._answers.move_to_end(key)
        return await asyncio.shield(answer)

    async def latest(self, key: Hashable, seconds: float, make: Callable[[], Awaitable[Any]]) -> Any:
        """The newest answer there is: one of `seconds` or older is given once more while it is being renewed.

        Only the first ever is waited for. When a renewal fails, the old answer stays for `seconds` more.
        """
        now = self._clock()
        until, answer = self._answers.get(key, (now, None))
        if answer is None or not answer.done() or _failed(answer):
            return await self.get(key, seconds, make)
        self._answers.move_to_end(key)
        if until <= now:
            self._answers[key] = (now + seconds, answer)
            renewal = asyncio.ensure_future(make())
            self._renewals.add(renewal)
            renewal.add_done_callback(lambda made: self._renewed(key, made))
        return answer.result()

    def _renewed(self, key: Hashable, made: asyncio.Future[Any]) -> None:
        self._renewals.discard(made)
        if not _failed(made) and key in self._answers:
            self._answers[key] = (self._answers[key][0], made)


def _failed(answer: asyncio.Future[Any]) -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)
