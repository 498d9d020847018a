""" "How about this now": the session model of this process, and sessions newer than it, read from Redis.

The version that `P:sessions:live` names is mapped, not read: opening it costs no memory of its own. A newer one is
opened in a thread and put in place by one assignment, so that no request waits. One that cannot be opened leaves
what is served, and is tried again; without any, there are no candidates (None) and the caller falls back.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from common.artifacts import artifacts
from common.config import Config
from common.keys import Keys
from common.models.session_model import Answer, SessionModel
from common.views.fresh_sessions import ITEMS, holding, newest_seen, sessions
from serving.kept_each import KeptEach

NAME = "sessions"
USERS_SECONDS, SESSIONS_SECONDS = 1.0, 4.0  # who acted on an item last, and what they saw: the same few are asked for
MOST_KEPT = 5000


class Now:
    """The live session model of a serving process; `client` is asyncio Redis."""

    def __init__(self, config: Config, client: Any) -> None:
        self._config, self._client, self._keys = config, client, Keys(config.redis.prefix)
        self._store = artifacts(config, NAME)
        self._model: SessionModel | None = None
        self._users: KeptEach[str, list[tuple[bytes, int]]] = KeptEach(USERS_SECONDS, MOST_KEPT)
        self._sessions: KeptEach[bytes, list[list[str]]] = KeptEach(SESSIONS_SECONDS, MOST_KEPT)

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
        """Sessions of the newest users who acted on one of the last items; none of `own`: the user who asks, and the
        sessions joined to them. What others did shows within `USERS_SECONDS` and `SESSIONS_SECONDS`."""
        last, read = list(dict.fromkeys(reversed(seen)))[:ITEMS], self._config.sessions.fresh_read
        if not last or not read:
            return []
        times: dict[bytes, int] = {}
        for found in await self._users.of(last, self._read_users):
            for other, ms in found:
                times[other] = max(ms, times.get(other, 0))
        for one in own:
            times.pop(one.encode(), None)
        newest = sorted(times, key=lambda other: -times[other])[:read]
        sessions = await self._sessions.of(newest, self._read_sessions)
        return [session for one in sessions for session in holding(one, last)]

    async def _read_users(self, items: list[str]) -> list[list[tuple[bytes, int]]]:
        """The newest users of each item, with the time of their newest action (epoch ms)."""
        pipe, read = self._client.pipeline(transaction=False), self._config.sessions.fresh_read
        for item in items:
            pipe.zrevrange(self._keys.fresh(item), 0, read - 1, withscores=True)
        return [[(other, int(ms)) for other, ms in found] for found in await pipe.execute()]

    async def _read_sessions(self, others: list[bytes]) -> list[list[list[str]]]:
        """The newest sessions of each user."""
        pipe, gap = self._client.pipeline(transaction=False), self._config.sessions.gap_minutes * 60_000
        for other in others:
            pipe.hgetall(self._keys.user_facts(other.decode()))
        return [sessions(newest_seen(facts), gap) for facts in await pipe.execute()]

    async def refresh(self) -> None:
        """Takes the live version if it is another one."""
        version = ((await self._client.get(self._keys.live_sessions)) or b"").decode()
        if not version or version == self.version:
            return
        opened = await asyncio.to_thread(self._store.open, version)
        self._model = SessionModel.of(version, opened.arrays)
