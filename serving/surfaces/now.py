"""How about this now: what the user's last items lead to, in the order of their chances of a click.

Candidates come from the session model, asked with the user's newest session (sessions like this one, fresh ones
counted). Without it, or where it knows nothing, from what occurs together with the last `RECENT_ITEMS` items, each
weighing half of the one after it, marked `together`. Without any, popular items stand in. The item seen last is on the
screen and not offered. The click-through model adds its signal where there is one.
"""

from collections.abc import Mapping

import numpy as np

from common.models.next_item import LAST
from common.views import surfaces
from common.views.ctr_features import KEPT
from common.views.signals import seen_items, session_items
from serving.ctr import judge
from serving.services import Services
from serving.stores import UserRecord
from serving.surfaces.asked import Asked, Found
from serving.surfaces.filled import filled
from serving.surfaces.pool import categories_at_hand, depth, last_seen, pool, someone
from serving.surfaces.ties import read_ties
from serving.versions import live

TOGETHER = "together"
JUDGED = 100  # of what sessions lead to: what lies below is not lifted onto a page by the other signals


async def now(services: Services, asked: Asked) -> Found:
    """What may be shown to the user."""
    versions = await live(services)
    record, person = await someone(services, asked.user, shown=KEPT)
    led: Mapping[str, float] = await _sessions(services, asked, record)
    fallback, version = None, services.now.version if led else None
    if not led:
        last = {item: 0.5**place for place, item in enumerate(seen_items(record.profile.actions))}
        led = (await read_ties(services, versions.related, ("similar", "related"), last)).together
        fallback, version = TOGETHER, versions.related if led else None
    at_hand = categories_at_hand(record.profile, asked.filters)
    popular = await pool(services, at_hand, depth(asked, record), asked.filters)
    on_screen = seen_items(record.profile.actions, 1)
    offered = await filled(services, asked, person, led, popular, mixed=False, but=on_screen)
    seen = await last_seen(services, record.profile)
    judged = await judge(services, versions, record, offered.offers)
    clicks = judged.chances if judged else np.zeros(len(offered.offers))
    candidates = surfaces.now(offered.offers, led, clicks, seen, popular.trend(offered.offers), person)
    used = {"sessions": services.now.version, "related": versions.related, "ctr": judged.version if judged else None}
    return Found(candidates, offered.fallback or fallback, version, used)


async def _sessions(services: Services, asked: Asked, record: UserRecord) -> dict[str, float]:
    """Item → score above the least, of what sessions like this one lead to; more of them where filters may refuse
    most."""
    sessions = services.config.sessions
    seen = session_items(record.profile.actions, sessions.actions, sessions.gap_minutes * 60_000, LAST)
    if not seen:
        return {}
    most = services.config.recommend.candidates
    if asked.filters.category is None and not asked.filters.narrow:
        refused = len(asked.filters.exclude) + len(record.bought)
        most = min(most, max(JUDGED, 2 * asked.limit) + refused)
    found = await services.now.candidates(seen, most, (asked.user, *record.sessions))
    if found is None or not found.items:
        return {}
    least = min(0.0, found.items[-1][1])
    return {item: score - least for item, score in found.items}
