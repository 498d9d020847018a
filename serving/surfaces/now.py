"""How about this now: what the user's last items lead to.

Candidates come from the last `RECENT_ITEMS` items, each weighing half of the one after it: what occurs together with
them in sessions and carts, marked `together`. Without any, popular items stand in.
"""

from common.views import surfaces
from common.views.signals import seen_items
from serving.services import Services
from serving.surfaces.asked import Asked, Found
from serving.surfaces.pool import categories_at_hand, depth, last_seen, pool, products_of, someone
from serving.surfaces.ties import read_ties
from serving.versions import live

TOGETHER = "together"


async def now(services: Services, asked: Asked) -> Found:
    """What may be shown to the user."""
    versions = await live(services)
    record, person = await someone(services, asked.user)
    last = {item: 0.5**place for place, item in enumerate(seen_items(record.profile.actions))}
    ties = await read_ties(services, versions.related, ("similar", "related"), last)
    at_hand = categories_at_hand(record.profile, asked.filters)
    popular = await pool(services, at_hand, depth(asked, record), asked.filters)
    led = ties.together
    ranked = popular.in_category if led else popular.in_category | popular.overall
    products = await products_of(services, [*led, *ranked], ranked)
    seen = await last_seen(services, record.profile)
    candidates = surfaces.now(led, products, seen, popular.trend, person, asked.filters)
    fallback = TOGETHER if led else popular.fallback
    return Found(candidates, fallback, versions.related, {"related": versions.related})
