"""Reads what the views are made of from Redis: one pipeline a step, never more than the answer needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from common.keys import ALL
from common.views.actions import read_recent, read_user_facts
from common.views.profile import Profile, profile
from common.views.rankings import Row
from serving.services import Services

POPULAR = "popular"


@dataclass(frozen=True)
class UserRecord:
    """What Redis knows of a user; `model_version` is the live model's, whoever the user is."""

    profile: Profile
    bought: frozenset[str]
    model_version: str | None


async def read_user(services: Services, user: str) -> UserRecord:
    """The user's record; one of somebody unknown is empty."""
    keys = services.keys
    pipeline = services.redis.pipeline(transaction=False)
    pipeline.hgetall(keys.user_facts(user))
    pipeline.zrevrange(keys.recent(user), 0, services.config.profile.recent_actions - 1)
    pipeline.get(keys.long_term(user))
    pipeline.smembers(keys.bought(user))
    pipeline.get(keys.live_model)
    facts, recent, long_term, bought, version = await pipeline.execute()
    long_profile = orjson.loads(long_term) if long_term else {}
    made = profile(read_user_facts(facts), read_recent(recent), long_profile, services.config.profile)
    return UserRecord(made, frozenset(item.decode() for item in bought), version.decode() if version else None)


async def read_product(services: Services, item: str) -> dict[str, str]:
    """The product cache's entry; empty for an unknown item."""
    fields = await services.redis.hgetall(services.keys.product(item))
    return {name.decode(): value.decode() for name, value in fields.items()}


def rows_of(answer: Sequence[Any]) -> list[Row]:
    """Members as text with their scores."""
    return [(member.decode(), float(score)) for member, score in answer]


def popular_key(services: Services, category: str | None) -> str:
    """Key of the popular ranking, of one category or of all."""
    return services.keys.ranking(POPULAR, ALL if category is None else category)
