"""For You: the model's candidates, with what is popular where the user looks mixed in, so that the next click changes
the next answer. A user without a list of the model is folded in; without the model popular items stand in."""

import orjson

from common.views import surfaces
from serving.services import Services
from serving.surfaces.asked import Asked, Found
from serving.surfaces.filled import filled
from serving.surfaces.folded import folded_in
from serving.surfaces.pool import categories_at_hand, depth, last_seen, pool, someone
from serving.versions import live


async def for_you(services: Services, asked: Asked) -> Found:
    """What may be shown to the user."""
    versions = await live(services)
    record, person = await someone(services, asked.user, versions.als)
    listed = orjson.loads(record.candidates)[: services.config.recommend.candidates] if record.candidates else []
    als = {str(item): float(score) for item, score in listed}
    model = services.als.of(versions.als)
    if not als and model is not None:
        als = folded_in(model, record.profile.actions, services.config.als, services.config.recommend.candidates)
    at_hand = categories_at_hand(record.profile, asked.filters)
    popular = await pool(services, at_hand, depth(asked, record), asked.filters)
    offered = await filled(services, asked, person, als, popular)
    seen = await last_seen(services, record.profile)
    candidates = surfaces.for_you(
        als,
        offered.products,
        seen,
        popular.trend,
        person,
        asked.filters,
        asked.today,
        services.config.recommend.fresh_days,
    )
    return Found(candidates, offered.fallback, versions.als, {"als": versions.als})
