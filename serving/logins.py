"""Joins an anonymous session to its user at login: the first event that carries both.

What somebody did before the login stands under the session's own keys, and the stream may still be adding to it. So
nothing is copied: the user's key `sessions` names the session, and whoever reads the user reads it as well. Only a
session that has something is named, so that most users cost no further read. A pair of user and session is looked at
again after `KEEP_SECONDS` only: an event of a logged-in user costs nothing more in Redis.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from common.keys import Keys

KEEP_SECONDS = 30.0
MOST_PAIRS = 50_000
MOST_SESSIONS = 10  # kept a user

Pair = tuple[str, str]


class Logins:
    """One a process. Adds its commands to the caller's pipelines."""

    def __init__(self, keys: Keys, ttl_hours: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys, self._seconds, self._clock = keys, ttl_hours * 3600, clock
        self._looked: OrderedDict[Pair, float] = OrderedDict()

    def new(self, events: Iterable[Mapping[str, Any]]) -> list[Pair]:
        """The (user, session) of the events that have not been looked at lately."""
        now = self._clock()
        found: dict[Pair, None] = {}
        for event in events:
            user, session = event.get("user_id"), event.get("session_id")
            if user and session and user != session and self._looked.get((user, session), 0.0) <= now:
                found[str(user), str(session)] = None
        return list(found)

    def look(self, pipeline: Any, pairs: Iterable[Pair]) -> None:
        """One command a pair: whether its session did anything while nobody was logged in."""
        for _, session in pairs:
            pipeline.exists(self._keys.recent(session), self._keys.user_facts(session))

    def join(self, pipeline: Any, pairs: list[Pair], answers: list[int], now_ms: int) -> bool:
        """Names the sessions that did, by the answers to `look`; whether there is anything to send."""
        until = self._clock() + KEEP_SECONDS
        for pair in pairs:
            self._looked[pair] = until
            self._looked.move_to_end(pair)
        while len(self._looked) > MOST_PAIRS:
            self._looked.popitem(last=False)
        joined = [pair for pair, exists in zip(pairs, answers, strict=True) if exists]
        for user, session in joined:
            key = self._keys.sessions(user)
            pipeline.zadd(key, {session: now_ms})
            pipeline.zremrangebyrank(key, 0, -MOST_SESSIONS - 1)
            pipeline.expire(key, self._seconds)
        return bool(joined)
