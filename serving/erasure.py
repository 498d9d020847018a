"""Forgets a user: the request goes to Kafka (and by the lake to Delta), then everything of theirs leaves Redis.

First Kafka: what it has acknowledged, the job `forget` carries out in Delta and once more in Redis, whatever happens
to this process. Raises 503 when Kafka or Redis does not answer; asking again is harmless.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from common.events import ERASURES
from common.keys import SEPARATOR
from common.models.canary import load
from common.sinks.forget import STANDS_SECONDS, forget_in_redis
from serving.errors import unavailable
from serving.logins import USER
from serving.producer import Message
from serving.services import Services


@dataclass(frozen=True)
class Erasure:
    """`sessions` are those in which the user was anonymous, forgotten as well."""

    requested_ms: int
    sessions: list[str]


async def forget(services: Services, user: str) -> Erasure:
    """Everything up to now."""
    keys = services.keys
    pipeline = services.redis.pipeline(transaction=False)
    pipeline.zrange(keys.sessions(user), 0, -1)
    pipeline.smembers(keys.listed_models)
    pipeline.get(keys.live_model)
    pipeline.get(keys.canary)
    sessions, listed, live, canary = await pipeline.execute()
    beside = load(canary)  # these two may be from before there was a list
    models = sorted({one.decode() for one in (*listed, live) if one} | ({beside.version} if beside else set()))
    made = Erasure(time.time_ns() // 1_000_000, await _anonymous(services, [one.decode() for one in sessions]))
    record = {"user": user, "sessions": made.sessions, "requested_ms": made.requested_ms}
    message = Message(services.config.topic(ERASURES), user.encode(), orjson.dumps(record))
    sent = await services.producer.send([message])
    if not sent.acknowledged:
        raise unavailable(sent.refused.get(0, "Kafka does not answer"))
    people = (user, *made.sessions)
    items = await _items(services, people)
    pipeline = services.redis.pipeline(transaction=False)
    for one in people:
        forget_in_redis(pipeline, keys, one, made.requested_ms, models, STANDS_SECONDS)
    for item in items:
        pipeline.zrem(keys.fresh(item), *people)
    await pipeline.execute()
    return made


async def _anonymous(services: Services, sessions: Sequence[str]) -> list[str]:
    """Those whose id has not been a user's since they were joined."""
    pipeline = services.redis.pipeline(transaction=False)
    for session in sessions:
        pipeline.get(services.keys.kind(session))
    kinds = await pipeline.execute()
    return [session for session, kind in zip(sessions, kinds, strict=True) if kind != USER]


async def _items(services: Services, people: Sequence[str]) -> set[str]:
    """What they acted on, as far as Redis knows."""
    pipeline = services.redis.pipeline(transaction=False)
    for one in people:
        pipeline.hkeys(services.keys.user_facts(one))
    return {field.decode().split(SEPARATOR)[2] for fields in await pipeline.execute() for field in fields} - {""}
