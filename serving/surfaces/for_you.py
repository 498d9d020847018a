"""For You: the model's candidates, with what is popular where the user looks mixed in, so that the next click changes
the next answer. A user without a list of the model is folded in; without the model popular items stand in. While there
is a canary (`common.models.canary`) its users have its version of the model, in the same round trips."""

from collections.abc import Sequence

import orjson

from common.views import surfaces
from serving.services import Services
from serving.stores import UserRecord
from serving.surfaces.asked import Asked, Found
from serving.surfaces.filled import filled
from serving.surfaces.folded import folded_in
from serving.surfaces.pool import categories_at_hand, depth, last_seen, pool, someone
from serving.versions import live


async def for_you(services: Services, asked: Asked) -> Found:
    """What may be shown to the user."""
    versions = await live(services)
    may = versions.als_for(asked.user)
    record, person = await someone(services, asked.user, may)
    version = answering(services, may, record)
    listed = orjson.loads(record.candidates.get(version or "", b"[]"))[: services.config.recommend.candidates]
    als: dict[str, float] = dict(listed)
    if not als and (standing := services.als.standing_in(version)) is not None:
        name, model = standing
        als = folded_in(model, record.profile.actions, services.config.als, services.config.recommend.candidates)
        version = name if als else version
    at_hand = categories_at_hand(record.profile, asked.filters)
    popular = await pool(services, at_hand, depth(asked, record), asked.filters)
    offered = await filled(services, asked, person, als, popular)
    seen = await last_seen(services, record.profile)
    trend = popular.trend(offered.offers)
    days = services.config.recommend.fresh_days
    candidates = surfaces.for_you(offered.offers, als, seen, trend, person, asked.today, days)
    return Found(candidates, offered.fallback, version, {"als": version})


def answering(services: Services, may: Sequence[str], record: UserRecord) -> str | None:
    """The version that answers: the canary for its users, unless it has vanished.

    For somebody on no version's list, who is folded in, it is there once its arrays are open.
    """
    if len(may) < 2:
        return may[0] if may else None
    canary, live_one = may
    listed = record.candidates
    there = canary in listed or (live_one not in listed and services.als.of(canary) is not None)
    return canary if there else live_one
