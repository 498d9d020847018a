"""What is known of many products at once: from the product cache in Redis, kept in the process for a moment.

Recommendations look at hundreds of products a request; asking Redis for each of them every time took most of
the request's time (measured: 15 of 20 ms). A change in the catalogue shows in them after KEEP_SECONDS at most;
`GET /v1/items/{id}` always asks Redis.
"""

import time
from collections.abc import Callable, Collection
from datetime import date
from typing import Any

from common.keys import Keys
from common.views.offers import Product

KEEP_SECONDS = 5.0
MOST = 200_000
FIELDS = ("category", "price", "style", "brand", "status", "stock", "launch_date")
EPOCH = date(1970, 1, 1)


class Products:
    """One a process."""

    def __init__(self, client: Any, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = client
        self._keys = keys
        self._clock = clock
        self._kept: dict[str, tuple[float, Product]] = {}

    async def of(self, items: Collection[str]) -> dict[str, Product]:
        """The products of `items`, in that order; an empty `Product` for an unknown one."""
        now = self._clock()
        found = {item: kept[1] for item in items if (kept := self._kept.get(item)) and kept[0] > now}
        missing = [item for item in items if item not in found]
        if missing:
            found |= await self._load(missing, now)
        return {item: found[item] for item in items}

    async def _load(self, items: list[str], now: float) -> dict[str, Product]:
        pipeline = self._redis.pipeline(transaction=False)
        for item in items:
            pipeline.hmget(self._keys.product(item), *FIELDS)
        loaded = dict(zip(items, map(_product, await pipeline.execute()), strict=True))
        if len(self._kept) + len(loaded) > MOST:
            self._kept = {item: kept for item, kept in self._kept.items() if kept[0] > now}
        self._kept |= {item: (now + KEEP_SECONDS, product) for item, product in loaded.items()}
        return loaded


def _product(entry: list[bytes | None]) -> Product:
    category, price, style, brand, status, stock, launched = (value.decode() if value else "" for value in entry)
    in_stock = not stock or float(stock) > 0
    day = _day(launched)
    return Product(category, float(price) if price else None, style, brand, status != "withdrawn", in_stock, day)


def _day(text: str) -> int | None:
    """Days since 1970 of an ISO date or time; None for what is none."""
    try:
        return (date.fromisoformat(text[:10]) - EPOCH).days
    except ValueError:
        return None
