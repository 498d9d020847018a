"""Reads what the views are made of from Redis: one call a step, never more than the answer needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from common.views.actions import read_recent, read_user_facts
from common.views.profile import Profile, profile
from serving.logins import USER
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
    since been a user's: one round trip more for who had some. What is from before the user was forgotten is not
    looked at.
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
    facts = dict(zip(flat[::2], flat[1::2], strict=True))
    sessions = tuple(session.decode() for session in joined)
    done = [(facts, recent)]
    if sessions:
        pipeline = services.redis.pipeline(transaction=False)
        for session in sessions[:MOST_SESSIONS]:
            _read_actions(pipeline, services, session)
            pipeline.get(keys.kind(session))
        answers = await pipeline.execute()
        for one, newest, kind in zip(answers[::3], answers[1::3], answers[2::3], strict=True):
            done += [(one, newest)] if kind != USER else []
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


def _read_actions(pipeline: Any, services: Services, user: str) -> None:
    pipeline.hgetall(services.keys.user_facts(user))
    pipeline.zrevrange(services.keys.recent(user), 0, services.config.profile.recent_actions - 1)


async def read_product(services: Services, item: str) -> dict[str, str]:
    """The product cache's entry; empty for an unknown item."""
    fields = await services.redis.hgetall(services.keys.product(item))
    return {name.decode(): value.decode() for name, value in fields.items()}
