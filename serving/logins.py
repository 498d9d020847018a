"""Joins an anonymous session to its user at login: the first event that carries both.

What somebody did before the login stands under the session's own keys, and the stream may still be adding to it. So
nothing is copied: the user's key `sessions` names the session, and whoever reads the user reads it as well. Only a
session that did something anonymously is named, so that most users cost no further read.

Two people may use one device. A session in which several users were seen is nobody's, as for the batch layer
(docs/adr/0020): its key `owner` says so, and whoever reads a user looks there.

User ids and session ids stand under the same keys, and a client chooses its session id. So the key `kind` marks whose
an id is: a user's as soon as an event has it as `user_id`, else a session's once an event comes without a user. Only
what is marked a session's is joined, and it is read and forgotten with the user only until it is marked a user's.

A pair and a mark are looked at again after `KEEP_SECONDS` only: most events of a logged-in user cost nothing more.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from common.keys import Keys

KEEP_SECONDS = 30.0
MOST_LOOKED = 100_000  # pairs and marks remembered
USER, SESSION = b"u", b"s"
SEVERAL = b""  # in place of a session's owner
ASKED = 3  # commands a pair
USER_SECONDS = 60 * 24 * 3600  # as long as what the batch layer publishes of a user
MOST_SESSIONS = 10  # kept a user

Pair = tuple[str, str]


def mark_of(user: str) -> bytes:
    """What stands for a user as a session's owner: once the user is forgotten, no id is left there."""
    return hashlib.sha256(user.encode()).hexdigest()[:16].encode()


class Logins:
    """One a process. Adds its commands to the caller's pipelines."""

    def __init__(self, keys: Keys, ttl_hours: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys, self._seconds, self._clock = keys, ttl_hours * 3600, clock
        self._looked: OrderedDict[tuple[object, ...], float] = OrderedDict()

    def mark(self, pipeline: Any, events: Iterable[Mapping[str, Any]]) -> None:
        """Marks the ids of the events that have not been marked lately; comes before `look`."""
        for event in events:
            user = event.get("user_id")
            kind, one = (USER, str(user)) if user else (SESSION, str(event["session_id"]))
            if self._looked.get((kind, one), 0.0) > self._clock():
                continue
            key = self._keys.kind(one)
            if kind == USER:
                pipeline.set(key, USER, ex=USER_SECONDS)
            else:
                pipeline.set(key, SESSION, ex=self._seconds, nx=True)
            self._remember((kind, one))

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
        """`ASKED` commands a pair: whose its session is; the first user seen in it becomes its owner."""
        for user, session in pairs:
            owner = self._keys.owner(session)
            pipeline.set(owner, mark_of(user), ex=self._seconds, nx=True)
            pipeline.getex(owner, ex=self._seconds)
            pipeline.get(self._keys.kind(session))

    def join(self, pipeline: Any, pairs: list[Pair], answers: list[bytes | None], now_ms: int) -> bool:
        """Names the anonymous sessions, by the answers to `look`, and notes those of several users; whether there is
        anything to send."""
        joined, shared = [], []
        for pair, owner, kind in zip(pairs, answers[1::ASKED], answers[2::ASKED], strict=True):
            self._remember(pair)
            if owner != mark_of(pair[0]):
                shared.append(pair[1])
            elif kind == SESSION:
                joined.append(pair)
        for session in shared:
            pipeline.set(self._keys.owner(session), SEVERAL, ex=self._seconds)
        for user, session in joined:
            key = self._keys.sessions(user)
            pipeline.zadd(key, {session: now_ms})
            pipeline.zremrangebyrank(key, 0, -MOST_SESSIONS - 1)
            pipeline.expire(key, self._seconds)
        return bool(joined or shared)

    def _remember(self, looked: tuple[object, ...]) -> None:
        self._looked[looked] = self._clock() + KEEP_SECONDS
        self._looked.move_to_end(looked)
        while len(self._looked) > MOST_LOOKED:
            self._looked.popitem(last=False)
