"""What may be shown: a surface's own candidates, and popular ones where filters and purchases leave too few."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from common.views.offers import Offers
from common.views.surfaces import Person, admitted
from serving.services import Services
from serving.surfaces.asked import Asked
from serving.surfaces.pool import IN_CATEGORY, NONE, OVERALL, Pool, offers_of


@dataclass(frozen=True)
class Filled:
    """Products that may be shown; `fallback` names the popular ones that stand in where none of them is the surface's
    own."""

    offers: Offers
    fallback: str | None


async def filled(
    services: Services,
    asked: Asked,
    person: Person,
    own: Iterable[str],
    popular: Pool,
    mixed: bool = True,
    but: Collection[str] = (),
) -> Filled:
    """`own` as far as admitted; then what is popular at hand, if `mixed` or fewer than the limit; then of what is
    popular overall as much as is still missing, all of it where nothing is the surface's own. Nothing of `but`."""
    items = dict.fromkeys(own)
    first = len(items)
    items |= dict.fromkeys(popular.in_category)
    second = len(items)
    ranked = popular.in_category | popular.overall
    offers = await offers_of(services, list(items | dict.fromkeys(popular.overall)), ranked)
    may = admitted(offers, person, asked.filters, but)
    fallback = None
    if not may[:first].any():
        fallback = IN_CATEGORY if may[:second].any() else OVERALL if may.any() else NONE
    else:
        if not mixed and np.count_nonzero(may[:first]) >= asked.limit:
            may[first:second] = False
        missing = max(asked.limit - np.count_nonzero(may[:second]), 0)
        may[second:] &= np.cumsum(may[second:]) <= missing
    return Filled(offers.where(may), fallback)
