"""Answers kept in the process for a moment: who asks while one is being made waits for that one."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

MOST = 256


class Kept:
    """At most MOST answers, the longest unused leaves first. A failure is not kept."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: OrderedDict[Hashable, tuple[float, asyncio.Future[Any]]] = OrderedDict()

    async def get(self, key: Hashable, seconds: float, make: Callable[[], Awaitable[Any]]) -> Any:
        """The answer for `key` that is less than `seconds` old, or a new one."""
        now = self._clock()
        until, answer = self._answers.get(key, (now, None))
        if answer is None or until <= now or (answer.done() and (answer.cancelled() or answer.exception())):
            answer = asyncio.ensure_future(make())
            self._answers[key] = (now + seconds, answer)
            while len(self._answers) > MOST:
                self._answers.popitem(last=False)
        self._answers.move_to_end(key)
        return await asyncio.shield(answer)
