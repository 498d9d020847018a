"""Reads what the views are made of from Redis: one call a step, never more than the answer needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from common.views.actions import read_recent, read_user_facts
from common.views.profile import Profile, profile
from serving.logins import USER, mark_of
from serving.services import Services

MOST_SESSIONS = 3  # of those in which a user was anonymous, the newest


@dataclass(frozen=True)
class UserRecord:
    """What Redis knows of a user: `candidates` are lists as stored by the model's version, `sessions` those joined,
    `shown` what they were shown, newest first, where it was asked for."""

    profile: Profile
    bought: frozenset[str]
    long_term: Mapping[str, Any]
    candidates: Mapping[str, bytes] = field(default_factory=dict)
    sessions: tuple[str, ...] = ()
    shown: Sequence[bytes] = ()

    @classmethod
    def nobody(cls) -> "UserRecord":
        """Somebody of whom nothing is known."""
        return cls(Profile((), {}, None, {}), frozenset(), {})


async def read_user(services: Services, user: str, models: Sequence[str] = (), shown: int = 0) -> UserRecord:
    """The user's record, with the candidates of these versions of the model, and the newest `shown` of what they were
    shown; one of somebody unknown is empty.

    Sessions in which the user was anonymous count with the user's own actions (`serving.logins`), unless their id has
    since been a user's, or another user was seen in them: one round trip more for who had some. What is from before the
    user was forgotten is not looked at.
    """
    keys, config = services.keys, services.config.profile
    own = [
        key(user)
        for key in (
            keys.user_facts,
            keys.recent,
            keys.bought,
            keys.sessions,
            keys.shown,
            keys.long_term,
            keys.forgotten,
        )
    ]
    lists = [keys.candidates(model, user) for model in models]
    flat, recent, bought, joined, seen, long_term, forgotten, *listed = await services.user_script(
        keys=own + lists, args=[config.recent_actions, shown]
    )
    sessions = tuple(session.decode() for session in joined)
    own_done = (dict(zip(flat[::2], flat[1::2], strict=True)), recent)
    done = [own_done, *(await _done_in(services, user, sessions[:MOST_SESSIONS]) if sessions else ())]
    since = int(forgotten or 0)
    known = [fact for one, _ in done for fact in read_user_facts(one) if fact.last_ms > since]
    actions = [action for _, one in done for action in read_recent(one) if action.time_ms > since]
    long_profile = orjson.loads(long_term) if long_term and not since else {}
    made = profile(known, actions, long_profile, config)
    if since:
        return UserRecord(made, frozenset(), {}, sessions=sessions, shown=seen)
    known_items = frozenset(item.decode() for item in bought)
    candidates = {model: text for model, text in zip(models, listed, strict=True) if text}
    return UserRecord(made, known_items, long_profile, candidates, sessions, seen)


async def _done_in(
    services: Services, user: str, sessions: Sequence[str]
) -> list[tuple[dict[bytes, bytes], list[bytes]]]:
    """User facts and recent list of each of the sessions, but of those whose id has since been a user's and of those
    in which another user was seen."""
    keys, pipeline = services.keys, services.redis.pipeline(transaction=False)
    for session in sessions:
        pipeline.hgetall(keys.user_facts(session))
        pipeline.zrevrange(keys.recent(session), 0, services.config.profile.recent_actions - 1)
        pipeline.mget(keys.kind(session), keys.owner(session))
    answers = await pipeline.execute()
    found = zip(answers[::3], answers[1::3], answers[2::3], strict=True)
    own = (None, mark_of(user))
    return [(facts, recent) for facts, recent, (kind, owner) in found if kind != USER and owner in own]


async def read_product(services: Services, item: str) -> dict[str, str]:
    """The product cache's entry; empty for an unknown item."""
    fields = await services.redis.hgetall(services.keys.product(item))
    return {name.decode(): value.decode() for name, value in fields.items()}
