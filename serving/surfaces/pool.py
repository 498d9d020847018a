"""What the surfaces choose from besides their own source: popular items, and what is known of each.

They stand in where a surface's own source has nothing, in one order for all surfaces (docs/api.md): those of the
categories at hand (`popular-in-category`), those of all (`popular`), `none`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common.views.offers import Filters, Floats, Offers, Product
from common.views.profile import Profile
from common.views.signals import seen_items
from common.views.surfaces import Person
from common.views.taste import price_bands
from serving.services import Services
from serving.stores import UserRecord, read_user
from serving.surfaces.asked import Asked
from serving.surfaces.popular import POPULAR, popular

MIXED_IN = 50
NARROWED = 500  # a filter may refuse most of them: look further down
PROFILE_CATEGORIES = 3
PRICED_ACTIONS = 100  # the newest, of which price bands by category are worked out
IN_CATEGORY, OVERALL, NONE = "popular-in-category", "popular", "none"


@dataclass(frozen=True)
class Pool:
    """Popular items: those of the categories at hand and of all, with the scores of both and the best of all."""

    in_category: dict[str, str]  # item → category it is ranked under
    overall: dict[str, str]
    scores: dict[str, float]
    best: float

    def trend(self, offers: Offers) -> Floats:
        """The popularity of each, 0 to 1."""
        return np.minimum(offers.column(self.scores) / self.best, 1.0) if self.best > 0 else np.zeros(len(offers))

    @property
    def fallback(self) -> str:
        """What stands in by these."""
        return IN_CATEGORY if self.in_category else OVERALL if self.overall else NONE


async def pool(
    services: Services, categories: Sequence[str], wanted: int, filters: Filters, ranking: str = POPULAR
) -> Pool:
    """The `wanted` best of the first of the categories and of all, and a quarter of that of each further category."""
    below = filters.category is not None
    overall, *within = await popular(services, ranking, categories, wanted, below)
    best = max(overall.scores.values(), default=0.0)
    scores: dict[str, float] = {}
    in_category: dict[str, str] = {}
    for place, one in enumerate(within):
        for item in one.first(wanted if place == 0 else wanted // 4):
            in_category[item] = one.categories[item]
            scores[item] = one.scores[item]
    everywhere = {item: overall.categories[item] for item in overall.first(wanted)}
    return Pool(in_category, everywhere, scores | overall.scores, best)


def categories_at_hand(profile: Profile, filters: Filters) -> list[str]:
    """The category asked for; else the one being viewed and those of most interest."""
    if filters.category is not None:
        return [filters.category]
    known = [profile.current_category, *list(profile.categories)[:PROFILE_CATEGORIES]]
    return list(dict.fromkeys(name for name in known if name))


def depth(asked: Asked, record: UserRecord) -> int:
    """How many popular items to look at so that filters and purchases leave enough."""
    return (
        (NARROWED if asked.filters.narrow else MIXED_IN) + asked.limit + len(record.bought) + len(asked.filters.exclude)
    )


async def offers_of(services: Services, items: Sequence[str], ranked: Mapping[str, str]) -> Offers:
    """What is known of the items; one that the catalogue doesn't know has the category it is ranked under."""
    offers = await services.products.offers(items)
    category = offers.texts("category")
    for place in np.flatnonzero(category == 0).tolist():
        category[place] = offers.names.number(ranked.get(items[place], ""))
    return offers


async def last_seen(services: Services, profile: Profile) -> dict[str, Product]:
    """The last items the user looked at, newest first."""
    return await services.products.of(seen_items(profile.actions))


async def someone(
    services: Services, user: str, models: Sequence[str] = (), shown: int = 0
) -> tuple[UserRecord, Person]:
    """The user's record and whom to recommend to; nobody ('') has an empty one, without a round trip."""
    record = await read_user(services, user, models, shown) if user else UserRecord.nobody()
    actions = record.profile.actions[:PRICED_ACTIONS]
    bands = price_bands(actions, record.long_term.get("bands", {}), services.config.profile)
    return record, Person(record.profile, record.bought, bands)
