"""Answers kept in the process for a moment: who asks while one is being made waits for that one."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

MOST = 256
OLDEST = 2  # times `seconds`: nothing older is given while it is renewed
TRY_AGAIN = 0.25  # times `seconds` after a renewal began that failed
log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Answer:
    made: asyncio.Future[Any]
    since: float = 0.0  # when it was done
    renew: float = 0.0  # not renewed before

    @property
    def failed(self) -> bool:
        return self.made.done() and (self.made.cancelled() or self.made.exception() is not None)


class Kept:
    """At most `most` finished answers, the longest unused leaves first. A failure is not kept.

    `seconds` count from when an answer is done: however slow, it is made once at a time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()
        self._renewals: dict[Hashable, _Answer] = {}

    async def get(self, key: Hashable, seconds: float, make: Callable[[], Awaitable[Any]]) -> Any:
        """The answer for `key` that is being made or was less than `seconds` ago, or a new one."""
        answer = self._answers.get(key)
        if answer is None or answer.failed or (answer.made.done() and self._clock() - answer.since >= seconds):
            answer = self._answers[key] = self._begin(make)
            self._forget()
        self._answers.move_to_end(key)
        return answer.made.result() if answer.made.done() else await asyncio.shield(answer.made)

    async def all_of(self, wanted: Mapping[Hashable, Callable[[], Awaitable[Any]]], seconds: float) -> list[Any]:
        """`get` for each key, in that order; what is missing is made at once. Without a task for what is there."""
        if not all(self._there(key, seconds) for key in wanted):
            return await asyncio.gather(*(self.get(key, seconds, make) for key, make in wanted.items()))
        return [await self.get(key, seconds, make) for key, make in wanted.items()]

    def _there(self, key: Hashable, seconds: float) -> bool:
        answer = self._answers.get(key)
        done = answer is not None and answer.made.done() and not answer.failed
        return done and answer is not None and self._clock() - answer.since < seconds

    async def latest(self, key: Hashable, seconds: float, make: Callable[[], Awaitable[Any]]) -> Any:
        """The newest answer there is: from `seconds` on it is given while it is being renewed.

        The first is waited for, and so is the renewal of one that is OLDEST times as old. A renewal that fails is
        logged and tried again after a moment; only who waits for it has the failure.
        """
        answer = self._answers.get(key)
        if answer is None or answer.failed or not answer.made.done():
            return await self.get(key, seconds, make)
        self._answers.move_to_end(key)
        now = self._clock()
        too_old = now - answer.since >= OLDEST * seconds
        if now - answer.since >= seconds and key not in self._renewals and (too_old or now >= answer.renew):
            answer.renew = now + TRY_AGAIN * seconds
            renewal = self._renewals[key] = self._begin(make)
            renewal.made.add_done_callback(lambda _: self._renewed(key, renewal))
        return await asyncio.shield(self._renewals[key].made) if too_old else answer.made.result()

    def _begin(self, make: Callable[[], Awaitable[Any]]) -> _Answer:
        async def timed() -> Any:
            try:
                return await make()
            finally:
                answer.since = self._clock()

        answer = _Answer(asyncio.ensure_future(timed()))
        return answer

    def _forget(self) -> None:
        """What is still being made stays: somebody waits for it."""
        over = len(self._answers) - self._most
        if over > 0:
            done = (key for key, answer in self._answers.items() if answer.made.done())
            for key in list(islice(done, over)):
                del self._answers[key]

    def _renewed(self, key: Hashable, renewal: _Answer) -> None:
        del self._renewals[key]
        if renewal.failed:
            error = None if renewal.made.cancelled() else renewal.made.exception()
            log.warning("%s: could not be renewed, the old answer stays: %s %s", key, type(error).__name__, error)
        elif key in self._answers:
            self._answers[key] = renewal
