"""Rankings as they were: an hour ago, for the change beside each rank, and at any minute (docs/adr/0013).

The last day is worked out from Redis, what is older from the lake. Both work in threads of their own, few at a time;
Arrow and DataFusion leave Python's lock free, so the process goes on answering. The ranking of an hour ago, which every
ranking waits for, has a thread of its own beside the questions about the past, and is waited for only shortly.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from common.config import Config, CorrectedConfig, RankingConfig
from common.errors import UnavailableError
from common.keys import ALL, Keys
from common.redis_client import redis_target
from common.sources.lake_sql import first_minute, past_rankings
from common.views.past import Standing
from serving.errors import unavailable
from serving.fact_minutes import FactMinutes
from serving.kept import Kept

HOUR, DAY = 60, 24 * 60  # minutes
RENEWED_SECONDS = 60.0  # the ranking of an hour ago is worked out anew so often, and only where it is asked for
CHANGE_SECONDS = 2.0  # a ranking waits for it so long; then it is answered without changes
KEPT_SECONDS, KEPT = 10.0, 8  # answers about the past, whatever category or limit is asked for
AT_ONCE = 16  # questions about the past that may wait; more are refused
LAKE_AT_ONCE = 2
PAST_SECONDS = 10.0  # a question about the past waits so long for Redis, and for the lake
T = TypeVar("T")


@dataclass(frozen=True)
class Then:
    """A ranking at a minute, the one an hour before, and the views of the hour up to the minute; `known`: the lake or
    Redis has anything from then or before."""

    known: bool
    now: Standing
    before: Standing
    views: Standing


class Past:
    """One a process."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._keys = Keys(config.redis.prefix)
        self._client: Any = redis_target(config).connect()  # blocking, for the threads
        self._facts = FactMinutes(config, self._client)
        self._views = next(r for r in config.rankings.definitions if r.name == "views-1h")
        self._hour_thread, self._redis_thread = ThreadPoolExecutor(1, "hour-ago"), ThreadPoolExecutor(1, "past")
        self._lake_threads = ThreadPoolExecutor(LAKE_AT_ONCE, "lake")
        self._before, self._then = Kept(), Kept(most=KEPT)
        self._late: set[str] = set()  # rankings of an hour ago that were waited for in vain
        self._waiting = 0

    async def hour_ago(self, definition: RankingConfig, corrected: CorrectedConfig | None) -> Standing:
        """The ranking an hour before the newest minute, two minutes old at most; nothing where it is not made in time.
        Making it goes on, nobody else waits for it, and it is there for who asks later.

        Where it is asked for all the time, only the first is waited for (`Kept.latest`).
        """

        def work() -> Standing:
            found = self._facts.standings(lambda as_of: [(definition, as_of - HOUR)], least_work=True)
            return Standing.empty() if found is None else self._fair(found[1][0], corrected, found[0] - HOUR)

        async def make() -> Standing:
            try:
                return await _in(self._hour_thread, work)
            finally:
                self._late.discard(name)

        name = corrected.name if corrected else definition.name
        if name in self._late:
            return Standing.empty()
        latest = self._before.latest(name, RENEWED_SECONDS, make)
        try:
            made: Standing = await asyncio.wait_for(latest, CHANGE_SECONDS)
        except asyncio.TimeoutError:
            self._late.add(name)
            return Standing.empty()
        return made

    async def at(self, definition: RankingConfig, corrected: CorrectedConfig | None, minute: int, recent: bool) -> Then:
        """The ranking at `minute`; `recent`: within a day of the newest. 503 when it cannot be read in time."""

        async def make() -> Then:
            if self._waiting >= AT_ONCE:
                raise unavailable("too many questions about the past at once")
            self._waiting += 1
            try:
                return await self._look(definition, corrected, minute, recent)
            finally:
                self._waiting -= 1

        name = corrected.name if corrected else definition.name
        made: Then = await self._then.get((name, minute), KEPT_SECONDS, make)
        return made

    async def _look(
        self, definition: RankingConfig, corrected: CorrectedConfig | None, minute: int, recent: bool
    ) -> Then:
        asked = [(definition, minute), (definition, minute - HOUR), (self._views, minute)]

        def from_redis() -> Then | None:
            found = self._facts.standings(lambda _: asked)
            if found is None or not (len(found[1][0]) or self._facts.reach_back_to(minute)):
                return None
            return self._then_of(found[1], corrected, minute, known=True)

        def from_lake() -> Then:
            found = past_rankings(self._config, asked)
            first = None if len(found[0]) else first_minute(self._config)
            known = len(found[0]) > 0 or (first is not None and first <= minute)
            return self._then_of(found, corrected, minute, known)

        then = await _in_time("Redis", self._redis_thread, from_redis) if recent else None
        if then is not None:
            return then
        try:  # Redis does not reach back so far: the lake knows whether there ever was anything
            return await _in_time("the lake", self._lake_threads, from_lake)
        except UnavailableError as error:
            raise unavailable(str(error)) from None

    def _then_of(self, found: list[Standing], corrected: CorrectedConfig | None, minute: int, known: bool) -> Then:
        now, before, views = found
        fair = self._fair(now, corrected, minute), self._fair(before, corrected, minute - HOUR)
        return Then(known, *fair, views)

    def _fair(self, standing: Standing, corrected: CorrectedConfig | None, minute: int) -> Standing:
        """Corrected by the live factors of that minute's hour, where the ranking is a corrected one."""
        if corrected is None or not len(standing):  # a minute without anything may have no hour: the year 1
            return standing
        version = self._client.get(self._keys.live_corrections)
        if version is None:
            return standing
        hour = hour_of(self._config, minute)
        found = self._client.hgetall(self._keys.corrections(version.decode(), corrected.name, hour))
        factors = {name.decode(): float(factor) for name, factor in found.items()}
        return standing.corrected(factors, factors.get(ALL, 1.0)) if factors else standing

    def close(self) -> None:
        """What is still being worked out goes on to its end, unseen."""
        for threads in (self._hour_thread, self._redis_thread, self._lake_threads):
            threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()


def hour_of(config: Config, minute: int) -> int:
    """The hour of the shop's day at an epoch minute."""
    return datetime.fromtimestamp(minute * 60, ZoneInfo(config.rankings.corrections.time_zone)).hour


async def _in(threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


async def _in_time(store: str, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """503 after `PAST_SECONDS`; work that has not begun by then never does."""
    try:
        return await asyncio.wait_for(_in(threads, work), PAST_SECONDS)
    except asyncio.TimeoutError:
        raise unavailable(f"{store} does not answer within {PAST_SECONDS:.0f} s") from None
