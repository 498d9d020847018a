"""Trending for you: what is popular in the last half hour and lately, in the category being viewed before all,
weighed by the user's taste. For somebody without a known taste it is what is popular with everybody."""

from common.views import surfaces
from common.views.taste import style_shares
from serving.services import Services
from serving.surfaces.asked import Asked, Found
from serving.surfaces.pool import IN_CATEGORY, NONE, OVERALL, categories_at_hand, depth, offers_of, pool, someone
from serving.surfaces.popular import RISING

LOOKED_AT = 50  # of the newest actions: whose styles are the user's taste


async def trending(services: Services, asked: Asked) -> Found:
    """What may be shown to the user."""
    record, person = await someone(services, asked.user)
    at_hand, wanted = categories_at_hand(record.profile, asked.filters), depth(asked, record)
    lately = await pool(services, at_hand, wanted, asked.filters)
    rising = await pool(services, at_hand, wanted, asked.filters, RISING)
    ranked = rising.in_category | lately.in_category | rising.overall | lately.overall
    offers = await offers_of(services, list(ranked), ranked)
    may = surfaces.admitted(offers, person, asked.filters)
    own = len(rising.in_category | lately.in_category)  # they stand first
    standing_in = IN_CATEGORY if may[:own].any() else OVERALL if may.any() else NONE
    offers = offers.where(may)
    actions = record.profile.actions[:LOOKED_AT]
    known = await services.products.of({action.item_id for action in actions if action.item_id})
    liked = style_shares(actions, known, record.long_term, services.config.profile)
    candidates = surfaces.trending(offers, rising.trend(offers), lately.trend(offers), liked, person)
    fallback = None if record.profile.categories and standing_in == IN_CATEGORY else standing_in
    return Found(candidates, fallback, None, {})
