"""Views, clicks and exposures of every item in the last hour and day, kept in the process and moved on by the minute.

Redis has a hash a minute (`Keys.item_fact`); a day is 1,440 of them, too many to ask in a request. So the process adds
the minute that has settled and takes off those that leave the hour and the day: three hashes a minute, whatever the
number of requests. It is done beside the requests, which take the table as it stands: right after the start, and until
the day is read, an item has fewer counts than it should. The same windows as in `batch.ctr_inputs`.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from redis.exceptions import RedisError

from common.keys import SEPARATOR, Keys, member
from common.views.ctr_features import DAY_MINUTES, HOUR_MINUTES, Floats, settled_until

log = logging.getLogger(__name__)

AT_ONCE = 30  # minutes a round trip
EVERY_SECONDS = 5.0
HOUR, DAY = slice(0, 3), slice(3, 6)
Hashed = Mapping[bytes, bytes]


class Counted:
    """The sums of an hour and of a day by `member`; a category's stand under no item, the shop's under no category."""

    def __init__(self) -> None:
        self._row: dict[str, int] = {}
        self._sums = np.zeros((1024, 6))

    def add(self, facts: Hashed, window: slice, sign: int) -> None:
        """Adds a minute's hash to a window, or takes it off."""
        for name, value in facts.items():
            measures = [sign * int(n) for n in value.split(b"|", 1)[1].split(b",", 3)[:3]]
            text = name.decode()
            category = text.split(SEPARATOR, 1)[0]
            for key in (text, member(category, ""), ""):
                place = self._place(key)  # may replace the array
                self._sums[place, window] += measures

    def of(self, members: Sequence[str]) -> Floats:
        """A row of `common.views.ctr_features.COUNTED` for each member; zeros for what has no counts."""
        categories = [member(text.split(SEPARATOR, 1)[0], "") for text in members]
        own, wider, shop = self._rows(members), self._rows(categories), self._rows([""])
        whole = np.broadcast_to(shop[:, 4:6], (len(members), 2))
        return np.hstack([own, wider[:, 4:6], whole])

    def _rows(self, keys: Sequence[str]) -> Floats:
        places = np.array([self._row.get(key, -1) for key in keys], int)
        found: Floats = np.where((places >= 0)[:, None], self._sums[places], 0.0)
        return found

    def _place(self, key: str) -> int:
        """The row of a key. Grows before it hands out a row: requests read meanwhile."""
        if key not in self._row:
            if len(self._row) == len(self._sums):
                self._sums = np.vstack([self._sums, np.zeros_like(self._sums)])
            self._row[key] = len(self._row)
        return self._row[key]


class ItemCounts:
    """One a process; `late_minutes` is how long a minute may still change."""

    def __init__(self, client: Any, keys: Keys, late_minutes: int) -> None:
        self._redis, self._keys, self._late = client, keys, late_minutes
        self._counted, self._until = Counted(), -1
        self._task: asyncio.Task[None] | None = None
        self._next = 0.0

    def now(self, as_of: int | None) -> Counted:
        """The table as it stands; starts moving it on when `as_of` (newest minute in Redis) says that it is old."""
        idle = (self._task is None or self._task.done()) and time.monotonic() >= self._next
        if idle and as_of is not None and settled_until(as_of, self._late) != self._until:
            self._next = time.monotonic() + EVERY_SECONDS
            self._task = asyncio.ensure_future(self._follow(as_of))
        return self._counted

    async def move(self, as_of: int) -> None:
        """Brings the table to `as_of`: minute by minute, or anew after a leap."""
        until = settled_until(as_of, self._late)
        if self._until < 0 or not 0 <= until - self._until <= HOUR_MINUTES:
            await self._anew(until)
        else:
            for window, minutes in ((HOUR, HOUR_MINUTES), (DAY, DAY_MINUTES)):
                await self._add(self._counted, range(self._until, until), window, 1)
                await self._add(self._counted, range(self._until - minutes, until - minutes), window, -1)
        self._until = until

    async def _anew(self, until: int) -> None:
        """A new table, in use as soon as it has the hour."""
        counted = Counted()
        await self._add(counted, range(until - HOUR_MINUTES, until), HOUR, 1)
        self._counted = counted
        await self._add(counted, range(until - DAY_MINUTES, until), DAY, 1)

    async def _follow(self, as_of: int) -> None:
        try:
            await self.move(as_of)
        except RedisError as error:
            self._until = -1
            log.warning("item counts not read: %s", type(error).__name__)
        except Exception:
            self._until = -1
            log.exception("item counts not read")

    async def _add(self, counted: Counted, minutes: range, window: slice, sign: int) -> None:
        """Newest first, so that what matters most is there first."""
        newest_first = list(reversed(minutes))
        for start in range(0, len(newest_first), AT_ONCE):
            pipeline = self._redis.pipeline(transaction=False)
            for minute in newest_first[start : start + AT_ONCE]:
                pipeline.hgetall(self._keys.item_fact(minute))
            for facts in await pipeline.execute():
                await asyncio.to_thread(counted.add, facts, window, sign)
