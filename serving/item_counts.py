"""Views, clicks and exposures of every item in the last hour and day, kept in the process and moved on by the minute.

Redis has a hash a minute (`Keys.item_fact`); a day is 1,440 of them, too many to ask in a request. So the process adds
the minute that has settled: one hash a minute, whatever the number of requests. It keeps what it added (16 bytes a row)
and takes just that off when the minute leaves the hour and the day: Redis may have changed or lost it since. Every
`ANEW_MINUTES` all is read anew, for what was written late. It is done beside the requests, which take the table as it
stands: right after the start, and until the day is read, an item has fewer counts than it should. The same windows as
in `batch.ctr_inputs`.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from redis.exceptions import RedisError

from common.keys import SEPARATOR, Keys, member
from common.views.ctr_features import DAY_MINUTES, HOUR_MINUTES, Floats, settled_until

log = logging.getLogger(__name__)

AT_ONCE = 30  # minutes a round trip
EVERY_SECONDS = 5.0
ANEW_MINUTES = 30
HOUR, DAY = slice(0, 3), slice(3, 6)
Hashed = Mapping[bytes, bytes]
Ints = npt.NDArray[np.int32]


class Added(NamedTuple):
    """What a minute added: distinct rows of the table and their measures."""

    places: Ints
    measures: Ints


class Counted:
    """The sums of an hour and of a day by `member`; a category's stand under no item, the shop's under no category."""

    def __init__(self) -> None:
        self._row: dict[str, int] = {}
        self._sums = np.zeros((1024, 6))
        self._minutes: dict[int, Added] = {}

    def add(self, minute: int, facts: Hashed, *windows: slice) -> None:
        """Adds a minute's hash to the windows; into a further window goes what was added first."""
        added = self._minutes.get(minute)
        if added is None:
            added = self._minutes[minute] = self._read(facts)
        for window in windows:
            self._sums[added.places, window] += added.measures

    def leave(self, minute: int, window: slice) -> None:
        """Takes what a minute added off a window; after the day nothing is known of it."""
        added = self._minutes.pop(minute, None) if window == DAY else self._minutes.get(minute)
        if added is not None:
            left = self._sums[added.places, window] - added.measures
            self._sums[added.places, window] = np.maximum(left, 0.0)

    def _read(self, facts: Hashed) -> "Added":
        sums: defaultdict[int, Ints] = defaultdict(lambda: np.zeros(3, np.int32))
        for name, value in facts.items():
            measures = np.array(value.split(b"|", 1)[1].split(b",", 3)[:3]).astype(np.int32)
            text = name.decode()
            category = text.split(SEPARATOR, 1)[0]
            for key in (text, member(category, ""), ""):
                sums[self._place(key)] += measures
        places = np.fromiter(sums, np.int32, len(sums))
        return Added(places, np.array(list(sums.values()), np.int32).reshape(-1, 3))

    def of(self, members: Sequence[str]) -> Floats:
        """A row of `common.views.ctr_features.COUNTED` for each member; zeros for what has no counts."""
        categories = [text.partition(SEPARATOR)[0] + SEPARATOR for text in members]
        own, wider, shop = self._rows(members), self._rows(categories), self._rows([""])
        whole = np.broadcast_to(shop[:, 4:6], (len(members), 2))
        return np.hstack([own, wider[:, 4:6], whole])

    def _rows(self, keys: Sequence[str]) -> Floats:
        get: Any = self._row.get
        places = np.fromiter(map(get, keys, repeat(-1)), np.int64, len(keys))
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
        self._counted, self._until, self._since = Counted(), -1, -1
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
        """Brings the table to `as_of`: minute by minute, or anew after a leap and every `ANEW_MINUTES`."""
        until = settled_until(as_of, self._late)
        leapt = self._until < 0 or not 0 <= until - self._until <= HOUR_MINUTES
        if leapt or until - self._since >= ANEW_MINUTES:
            await self._anew(until, leapt)
            self._since = until
        else:
            await self._add(self._counted, range(self._until, until), HOUR, DAY)
            for window, minutes in ((HOUR, HOUR_MINUTES), (DAY, DAY_MINUTES)):
                for minute in range(self._until - minutes, until - minutes):
                    self._counted.leave(minute, window)
        self._until = until

    async def _anew(self, until: int, leapt: bool) -> None:
        """A new table; after a leap it is in use as soon as it has the hour."""
        counted = Counted()
        await self._add(counted, range(until - HOUR_MINUTES, until), HOUR, DAY)
        if leapt:
            self._counted = counted
        await self._add(counted, range(until - DAY_MINUTES, until - HOUR_MINUTES), DAY)
        self._counted = counted

    async def _follow(self, as_of: int) -> None:
        try:
            await self.move(as_of)
        except RedisError as error:
            self._until = -1
            log.warning("item counts not read: %s", type(error).__name__)
        except Exception:
            self._until = -1
            log.exception("item counts not read")

    async def _add(self, counted: Counted, minutes: range, *windows: slice) -> None:
        """Newest first, so that what matters most is there first."""
        newest_first = list(reversed(minutes))
        for start in range(0, len(newest_first), AT_ONCE):
            pipeline = self._redis.pipeline(transaction=False)
            part = newest_first[start : start + AT_ONCE]
            for minute in part:
                pipeline.hgetall(self._keys.item_fact(minute))
            for minute, facts in zip(part, await pipeline.execute(), strict=True):
                await asyncio.to_thread(counted.add, minute, facts, *windows)
