"""Related and similar: what belongs to an item, and what could stand in for it.

With a user, related also looks at the cart as it is now, similar at the last items seen: a cart_add changes the next
answer. Fresh sessions count beside the lists of the job `related`. What filters and purchases leave short is filled
with what is popular in the item's category (or in those at hand), then overall.
"""

from common.views import surfaces
from common.views.actions import cart
from common.views.offers import Product
from common.views.signals import seen_items
from common.views.surfaces import Ties
from serving.services import Services
from serving.surfaces.asked import Asked, Found
from serving.surfaces.filled import filled
from serving.surfaces.fresh import fresh_sessions
from serving.surfaces.pool import categories_at_hand, depth, pool, someone
from serving.surfaces.ties import Kind, read_ties
from serving.versions import live

CART_ITEMS, CART_WEIGHT = 5, 0.5  # the newest in the cart, each half of what the item asked about weighs
SEEN_WEIGHT = 0.25


async def related(services: Services, asked: Asked) -> Found:
    """Complements of the item and of the user's cart."""
    return await _beside(services, asked, "related")


async def similar(services: Services, asked: Asked) -> Found:
    """Substitutes for the item, with what was seen just before it."""
    return await _beside(services, asked, "similar")


async def _beside(services: Services, asked: Asked, kind: Kind) -> Found:
    versions = await live(services)
    record, person = await someone(services, asked.user)
    actions, item = record.profile.actions, asked.item
    if kind == "related":
        others = dict.fromkeys(cart(actions)[:CART_ITEMS], CART_WEIGHT)
    else:
        others = {other: SEEN_WEIGHT * 0.5**place for place, other in enumerate(seen_items(actions))}
    at_hand = others | {item: 1.0}
    if not await _known(services, versions.related, kind, item):
        at_hand = {item: 1.0}  # what goes with other items is no answer to it
    ties = await read_ties(services, versions.related, (kind,), at_hand)
    ties = Ties(ties.together, ties.als, await fresh_sessions(services, at_hand, (asked.user, *record.sessions)))
    known = await services.products.of(at_hand)
    listed = dict.fromkeys([*ties.together, *ties.session])
    of_item = known[item].category
    categories = (
        [of_item] if of_item and asked.filters.category is None else categories_at_hand(record.profile, asked.filters)
    )
    popular = await pool(services, categories, depth(asked, record), asked.filters)
    but = at_hand if kind == "related" else (item,)
    offered = await filled(services, asked, person, listed, popular, mixed=False, but=but)
    offers, trend = offered.offers, popular.trend(offered.offers)
    if kind == "related":
        candidates = surfaces.related(offers, ties, known, trend, person)
    else:
        candidates = surfaces.similar(offers, ties, known[item], trend)
    return Found(candidates, offered.fallback, versions.related, {"related": versions.related})


async def _known(services: Services, version: str | None, kind: Kind, item: str) -> bool:
    """Whether the catalogue knows the item, or a list of the job `related`."""
    product = (await services.products.of([item]))[item]
    return product != Product() or bool((await read_ties(services, version, (kind,), {item: 1.0})).together)
