"""Bounds how many different categories clients may bring (`serving.max_categories`), before Kafka: stream and batch
see the same.

Each category takes memory in Redis and time at every merge, and a client may write any. Those in use stand in one
sorted set, and what is not seen for `UNSEEN_SECONDS` leaves it. A new one that finds no room there becomes `OTHER`,
unless the catalogue says it of the event's item: junk must not push out the shop's own. Those are noted above the
bound too, so that they are known the next time.

What was let through lately is not asked for again: most requests take no round trip more, one with a category that
this process has not seen for `KNOWN_SECONDS` takes one, and one that is above the bound two.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from common.category import normal_category
from common.keys import Keys

log = logging.getLogger("stylestream.serving.categories")
SCRIPT = Path(__file__).with_name("categories.lua").read_text(encoding="utf-8")
OTHER = "other"  # always allowed, and not counted
UNSEEN_SECONDS = 30 * 24 * 3600
KNOWN_SECONDS = 300.0
SAY_SECONDS = 60.0
ANY_NUMBER = ""

Event = dict[str, Any]


class Categories:
    """One a process: it remembers up to `most` categories that were let through. `over` counts events, and has
    `inc`."""

    def __init__(
        self, client: Any, keys: Keys, most: int, over: Any, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis, self._keys, self._most, self._over, self._clock = client, keys, most, over, clock
        self._known: dict[str, float] = {}  # until when it need not be asked for
        self._said = -SAY_SECONDS
        self._begun = False

    async def bound(self, events: Collection[Event]) -> None:
        """Gives `OTHER` to events whose category finds no room. Comes before the guards are taken: where Redis does
        not answer (`RedisError`), nothing is left to be taken back."""
        names = self._unknown(events)
        if not names:
            return
        if not self._begun:
            await self._begin()
        pipeline = self._redis.pipeline(transaction=False)
        # a replica since a failover refuses this by an error that makes the client connect anew; a script's does not
        pipeline.expire(self._keys.categories, UNSEEN_SECONDS)
        self._see(pipeline, self._most, names)
        _, refused = await pipeline.execute()
        over = {name.decode() for name in refused}
        self._remember(name for name in names if name not in over)
        if over:
            await self._replace([event for event in events if event.get("category") in over])

    async def _begin(self) -> None:
        """Where none are known, after an upgrade or when Redis was lost, those of the rankings are: whoever comes first
        is not to take their places."""
        if not await self._redis.exists(self._keys.categories):
            ranked = [name for name in await self._redis.zrange(self._keys.tree, 0, -1) if name != b""]
            if ranked:
                await self._redis.zadd(self._keys.categories, dict.fromkeys(ranked, int(time.time())), nx=True)
        self._begun = True

    def note(self, pipeline: Any, events: Iterable[Event]) -> None:
        """Adds to the pipeline what makes the categories known that only the catalogue has let through, whatever the
        bound."""
        names = self._unknown(events)
        if names:
            self._see(pipeline, ANY_NUMBER, names)
            self._remember(names)

    def _see(self, pipeline: Any, most: int | str, names: list[str]) -> None:
        pipeline.eval(SCRIPT, 1, self._keys.categories, UNSEEN_SECONDS, most, *names)

    async def _replace(self, events: Collection[Event]) -> None:
        """`OTHER` for the events whose category is not what the catalogue says of their item."""
        items = list(dict.fromkeys(event["item_id"] for event in events if "item_id" in event))
        pipeline = self._redis.pipeline(transaction=False)
        for item in items:
            pipeline.hget(self._keys.product(item), "category")
        answers = await pipeline.execute()
        named = (normal_category((answer or b"").decode("utf-8", "replace")) for answer in answers)
        catalogue = dict(zip(items, named, strict=True))
        junk = [event for event in events if catalogue.get(event.get("item_id")) != event["category"]]
        for event in junk:
            event["category"] = OTHER
        self._over.inc(len(junk))
        if junk:
            self._say()

    def _say(self) -> None:
        """At most once a minute, and nothing that a client wrote."""
        if self._clock() >= self._said + SAY_SECONDS:
            self._said = self._clock()
            log.warning("more categories than serving.max_categories (%d): new ones count as '%s'", self._most, OTHER)

    def _unknown(self, events: Iterable[Event]) -> list[str]:
        now = self._clock()
        names = dict.fromkeys(event["category"] for event in events if "category" in event)
        return [name for name in names if name != OTHER and self._known.get(name, now) <= now]

    def _remember(self, names: Iterable[str]) -> None:
        """What comes beyond `most` lets go of all: they are asked for again."""
        until = self._clock() + KNOWN_SECONDS
        for name in names:
            if len(self._known) >= self._most and name not in self._known:
                self._known.clear()
            self._known[name] = until
