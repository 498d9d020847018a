"""Reads what the views are made of from Redis: one pipeline a step, never more than the answer needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from common.config import RankingConfig
from common.keys import ALL
from common.views.actions import read_buckets, read_recent
from common.views.profile import Profile, profile
from common.views.rankings import Row, best, decay_factor
from serving.services import Services

VIEWS = "views-1h"
POPULAR = "popular"
MAX_TIES = 1000


@dataclass(frozen=True)
class Ranking:
    """`rows` best first with scores as stored; `factor` makes them those of `as_of` (epoch minutes)."""

    rows: list[Row]
    factor: float
    views: list[float | None]
    as_of: int | None
    horizon: int | None


@dataclass(frozen=True)
class UserRecord:
    """What Redis knows of a user; `model_version` is the live model's, whoever the user is."""

    profile: Profile
    bought: frozenset[str]
    model_version: str | None


async def read_ranking(services: Services, definition: RankingConfig, scope: str, limit: int) -> Ranking:
    """The best `limit` of a ranking; equals at its end are cut by item id."""
    keys = services.keys
    ranking = keys.ranking(definition.name, scope)
    pipeline = services.redis.pipeline(transaction=False)
    pipeline.mget(keys.as_of, keys.horizon, keys.landmark(definition.name))
    pipeline.zrevrange(ranking, 0, limit - 1, withscores=True)
    (as_of, horizon, landmark), top = await pipeline.execute()
    found = rows_of(top)
    if len(found) == limit:
        last = found[-1][1]
        found += rows_of(await services.redis.zrangebyscore(ranking, last, last, 0, MAX_TIES, withscores=True))
    rows = best(found, limit)
    factor = decay_factor(definition, _number(as_of), _number(landmark))
    views = await _views(services, definition, scope, rows)
    return Ranking(rows, factor, views, _number(as_of), _number(horizon))


async def _views(services: Services, definition: RankingConfig, scope: str, rows: Sequence[Row]) -> list[float | None]:
    if definition.name == VIEWS or not rows:
        return [score for _, score in rows]
    members = [member for member, _ in rows]
    views: list[float | None] = await services.redis.zmscore(services.keys.ranking(VIEWS, scope), members)
    return views


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
    made = profile(read_buckets(facts), read_recent(recent), long_profile, services.config.profile)
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


def _number(text: bytes | None) -> int | None:
    return None if text is None else int(text)
