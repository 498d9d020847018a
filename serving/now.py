""" "How about this now": the session model of this process, and sessions newer than it, read from Redis.

The version that `P:sessions:live` names is mapped, not read: opening it costs no memory of its own. A newer one is
opened in a thread and put in place by one assignment, so that no request waits. One that cannot be opened leaves
what is served, and is tried again; without any, there are no candidates (None) and the caller falls back.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from common.artifacts import artifacts
from common.config import Config
from common.errors import StylestreamError
from common.keys import Keys
from common.models.session_model import Answer, SessionModel
from common.views.fresh_sessions import ITEMS, Seen, fresh_sessions, newest_seen

NAME = "sessions"
KEEP_SECONDS, MOST_KEPT = 2.0, 5000  # of what other users saw last
log = logging.getLogger(__name__)


class Now:
    """The live session model of a serving process; `client` is asyncio Redis."""

    def __init__(self, config: Config, client: Any) -> None:
        self._config, self._client, self._keys = config, client, Keys(config.redis.prefix)
        self._store = artifacts(config, NAME)
        self._model: SessionModel | None = None
        self._kept: dict[bytes, tuple[float, Seen]] = {}

    @property
    def version(self) -> str | None:
        """The version served."""
        return self._model.version if self._model else None

    async def candidates(
        self, seen: Sequence[str], n: int, own: Sequence[str] = (), explain: bool = False
    ) -> Answer | None:
        """The n best items after `seen` (newest last), fresh sessions counted but those of the ids `own`."""
        model = self._model
        if model is None:
            return None
        return model.candidates(seen, n, await self.fresh(seen, own), explain)

    async def fresh(self, seen: Sequence[str], own: Sequence[str] = ()) -> list[list[str]]:
        """Sessions of the newest users who acted on one of the last items, in two round trips; none of `own`: the
        user who asks, and the sessions joined to them."""
        last, read = list(dict.fromkeys(reversed(seen)))[:ITEMS], self._config.sessions.fresh_read
        if not last or not read:
            return []
        pipe = self._client.pipeline(transaction=False)
        for item in last:
            pipe.zrevrange(self._keys.fresh(item), 0, read - 1, withscores=True)
        times: dict[bytes, int] = {}
        for found in await pipe.execute():
            for other, ms in found:
                times[other] = max(int(ms), times.get(other, 0))
        for one in own:
            times.pop(one.encode(), None)
        newest = sorted(times, key=lambda other: -times[other])[:read]
        gap = self._config.sessions.gap_minutes * 60_000
        return [session for one in await self._seen(newest) for session in fresh_sessions(one, last, gap)]

    async def _seen(self, others: Sequence[bytes]) -> list[Seen]:
        """What others saw last: read at most once in `KEEP_SECONDS`, as the same few are asked for again and again."""
        now = time.monotonic()
        found = {other: kept[1] for other in others if (kept := self._kept.get(other)) and kept[0] > now}
        missing = [other for other in others if other not in found]
        if missing:
            pipe = self._client.pipeline(transaction=False)
            for other in missing:
                pipe.hgetall(self._keys.user_facts(other.decode()))
            found |= dict(zip(missing, map(newest_seen, await pipe.execute()), strict=True))
            if len(self._kept) + len(missing) > MOST_KEPT:
                self._kept.clear()
            self._kept |= {other: (now + KEEP_SECONDS, found[other]) for other in missing}
        return [found[other] for other in others]

    async def refresh(self) -> None:
        """Takes the live version if it is another one."""
        version = ((await self._client.get(self._keys.live_sessions)) or b"").decode()
        if not version or version == self.version:
            return
        opened = await asyncio.to_thread(self._store.open, version)
        self._model = SessionModel.of(version, opened.arrays)

    async def watch(self) -> None:
        """`refresh` again and again; a failure is logged and tried again."""
        while True:
            try:
                await self.refresh()
            except (StylestreamError, RedisError, OSError, ValueError) as error:
                log.warning("session index not renewed: %s", error)
            except Exception:
                log.exception("session index not renewed")
            await asyncio.sleep(self._config.sessions.refresh_seconds)
