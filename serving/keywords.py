"""Trending keywords as of now: three steps in Redis, worked out at most every `FRESH_SECONDS` a process."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any

from common.models.keyword_text import blocking
from common.models.trend import EVEN
from common.views.keywords import Baselines, Trending, rising, shop_level, trending
from serving.services import Services

FRESH_SECONDS = 0.1
CANDIDATES = 2000  # keywords looked at, by the window's sums
EXACT = 300  # of them, those whose people are counted as one across the window's minutes


@dataclass(frozen=True)
class Board:
    """The trending list with the epoch minute it holds for; None before the first event."""

    as_of: int | None
    keywords: list[Trending]


class Keywords:
    """One a process; requests at the same moment share one look into Redis."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._blocklist = blocking(services.config.keywords.blocklist)
        self._board = Board(None, [])
        self._looked = -FRESH_SECONDS
        self._looking = asyncio.Lock()

    async def board(self) -> Board:
        """The list, whole; redis errors when Redis does not answer."""
        async with self._looking:
            if time.monotonic() - self._looked >= FRESH_SECONDS:
                self._board = await self._look()
                self._looked = time.monotonic()
        return self._board

    async def _look(self) -> Board:
        keys, config = self._services.keys, self._services.config.keywords
        pipeline = self._services.redis.pipeline(transaction=False)
        pipeline.hmget(keys.keyword_meta, "as_of", "landmark", "mass")
        pipeline.get(keys.as_of)
        pipeline.zrevrangebyscore(keys.keyword_window, "+inf", config.min_users, 0, CANDIDATES, withscores=True)
        (as_of, landmark, mass), items_as_of, sums = await pipeline.execute()
        if as_of is None:
            return Board(int(items_as_of) if items_as_of else None, [])
        now = max(int(as_of), int(items_as_of or 0))
        upper = {key.decode(): float(count) for key, count in sums}
        if not upper:
            return Board(now, [])
        fade = 2.0 ** max(-1000.0, (int(landmark) - now) / config.half_life_minutes)
        baselines = await self._baselines(list(upper), now, fade, float(mass))
        baselines = replace(baselines, level=shop_level(upper, baselines, config))
        likely = [row[0] for row in rising(upper, baselines, config)[:EXACT]]
        counts, forms = await self._exact(likely, now)
        return Board(now, trending(counts, baselines, forms, self._blocklist, config))

    async def _baselines(self, candidates: list[str], now: int, fade: float, mass: float) -> Baselines:
        keys = self._services.keys
        pipeline = self._services.redis.pipeline(transaction=False)
        pipeline.zmscore(keys.keyword_base, candidates)
        pipeline.hgetall(keys.keyword_hours)
        pipeline.zcard(keys.keyword_base)
        pipeline.zrange(keys.keyword_base, 0, 0, withscores=True)
        sums, hours, kept, least = await pipeline.execute()
        full = kept >= self._services.config.keywords.keep
        factors = {int(hour): float(factor) for hour, factor in hours.items()}
        return Baselines(
            as_of=now,
            seen={key: total * fade for key, total in zip(candidates, sums, strict=True) if total is not None},
            mass=mass * fade,
            floor=float(least[0][1]) * fade if full and least else 0.0,
            hours=[factors.get(hour, even) for hour, even in enumerate(EVEN)],
        )

    async def _exact(self, likely: list[str], now: int) -> tuple[dict[str, float], dict[str, str]]:
        """Distinct searchers over the whole window, and the most used form, of each."""
        keys, minutes = self._services.keys, self._services.config.keywords.window_minutes
        pipeline = self._services.redis.pipeline(transaction=False)
        for key in likely:
            pipeline.pfcount(*[keys.keyword_users(now - back, key) for back in range(minutes)])
            pipeline.zrevrange(keys.keyword_forms(key), 0, 0)
        answers: list[Any] = await pipeline.execute() if likely else []
        counts = dict(zip(likely, map(float, answers[::2]), strict=True))
        return counts, {key: top[0].decode() for key, top in zip(likely, answers[1::2], strict=True) if top}
