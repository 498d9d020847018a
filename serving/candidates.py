"""Gathers what For You chooses from: ALS candidates, popular items, and what is known of each.

With ALS candidates, the popular items of the category being viewed (and of the one asked for) are mixed in,
so that the next click changes the next answer. Without, popular items stand in: `popular-in-category` where
the profile knows categories that have some, else `popular`, else `none`; also `none` where the filters leave
nothing of them (`serving.routes.users`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import orjson

from common.keys import ALL, member, split_member
from common.views.for_you import Filters, Product, seen_items
from common.views.profile import Profile
from common.views.rankings import Row
from serving.services import Services
from serving.stores import POPULAR, UserRecord, popular_key, rows_of

MIXED_IN = 50
PRICED = 500  # a price filter may refuse most of them: look further down
PROFILE_CATEGORIES = 3


@dataclass(frozen=True)
class Candidates:
    """`als` scores by item, `products` of all candidates, `seen` the last items looked at, newest first,
    `trends` the popularity of all of these, 0 to 1."""

    als: dict[str, float]
    products: dict[str, Product]
    seen: dict[str, Product]
    trends: dict[str, float]
    fallback: str | None


async def gather(services: Services, user: str, record: UserRecord, filters: Filters, limit: int) -> Candidates:
    """Everything that may be recommended to `user`, with what is known of it."""
    categories = _categories(record.profile, filters)
    priced = filters.min_price is not None or filters.max_price is not None
    wanted = (PRICED if priced else MIXED_IN) + limit + len(record.bought)
    als, best, popular = await _fetch(services, user, record, categories, wanted)
    by_category = [row for name in categories for row in popular[name]]
    mixed = by_category if als else [*by_category, *popular[None]]
    ranked = _category_of(mixed)
    items = dict.fromkeys([*als, *ranked])
    last = seen_items(record.profile)
    products = await _products(services, dict.fromkeys([*items, *last]), ranked)
    trends = await _trends(services, products, ranked, best)
    found = {item: products[item] for item in items}
    seen = {item: products[item] for item in last}
    if als or not items:
        return Candidates(als, found, seen, trends, None if als else "none")
    known = bool(record.profile.categories and by_category)
    return Candidates(als, found, seen, trends, "popular-in-category" if known else "popular")


def _category_of(rows: Iterable[Row]) -> dict[str, str]:
    """Item → the category it is ranked under: an item without a product entry still has that."""
    pairs = (split_member(text) for text, _ in rows)
    return {item: category for category, item in pairs}


def _categories(profile: Profile, filters: Filters) -> list[str]:
    known = [profile.current_category, *list(profile.categories)[:PROFILE_CATEGORIES]]
    chosen = [filters.category] if filters.category is not None else known
    return list(dict.fromkeys(name for name in chosen if name))


async def _fetch(
    services: Services, user: str, record: UserRecord, categories: Iterable[str], wanted: int
) -> tuple[dict[str, float], float, Mapping[str | None, list[Row]]]:
    """ALS scores, the best score of the popular ranking, and its rows by category (None: all)."""
    scopes: list[str | None] = [None, *categories]
    pipeline = services.redis.pipeline(transaction=False)
    for scope in scopes:
        pipeline.zrevrange(popular_key(services, scope), 0, wanted - 1, withscores=True)
    if record.model_version is not None:
        pipeline.get(services.keys.candidates(record.model_version, user))
    answers = await pipeline.execute()
    popular = {scope: rows_of(rows) for scope, rows in zip(scopes, answers, strict=False)}
    stored = answers[-1] if record.model_version is not None else None
    listed = orjson.loads(stored)[: services.config.recommend.candidates] if stored else []
    best = popular[None][0][1] if popular[None] else 0.0
    return {str(item): float(score) for item, score in listed}, best, popular


async def _products(services: Services, items: Collection[str], ranked: Mapping[str, str]) -> dict[str, Product]:
    """What is known of the items; one that the catalogue doesn't know has the category it is ranked under."""
    products = await services.products.of(items)
    unknown = [item for item, product in products.items() if not product.category and ranked.get(item)]
    return products | {item: replace(products[item], category=ranked[item]) for item in unknown}


async def _trends(
    services: Services, products: Mapping[str, Product], ranked: Mapping[str, str], best: float
) -> dict[str, float]:
    """Each item's score in the popular ranking over `best`, the ranking's best."""
    if not products or best <= 0:
        return {}
    members = [member(ranked.get(item, product.category), item) for item, product in products.items()]
    scores = await services.redis.zmscore(services.keys.ranking(POPULAR, ALL), members)
    return {item: min(score / best, 1.0) for item, score in zip(products, scores, strict=True) if score}
