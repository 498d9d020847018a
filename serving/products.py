"""What is known of many products at once: from the product cache in Redis, kept in the process for a moment.

Recommendations look at hundreds of products a request; asking Redis for each of them every time took most of
the request's time (measured: 15 of 20 ms). They are kept as columns, an item a row, as signals are worked out on
columns. A change in the catalogue shows in them after KEEP_SECONDS at most;
`GET /v1/items/{id}` always asks Redis.
"""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import date
from itertools import compress, repeat
from typing import Any

import numpy as np

from common.keys import Keys
from common.views.offers import KNOWN, Ints, Names, Offers, Product, row

KEEP_SECONDS = 5.0
MOST = 200_000
FIELDS = ("category", "price", "style", "brand", "status", "stock", "launch_date")
EPOCH = date(1970, 1, 1)


class Products:
    """One a process, of `most` items; what comes beyond them lets go of all that is kept."""

    def __init__(self, client: Any, keys: Keys, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._redis, self._keys, self._clock, self._most = client, keys, clock, most
        self._clear()

    def _clear(self) -> None:
        self._row: dict[str, int] = {}
        self._products: list[Product] = []
        self._names = Names()
        self._known, self._until = np.zeros(1024, KNOWN), np.zeros(1024)

    async def of(self, items: Collection[str]) -> dict[str, Product]:
        """The products of `items`, in that order; an empty `Product` for an unknown one."""
        rows = await self._rows(items)
        return {item: self._products[place] for item, place in zip(items, rows.tolist(), strict=True)}

    async def offers(self, items: Sequence[str]) -> Offers:
        """The same as columns."""
        rows = await self._rows(items)
        return Offers(items, self._known[rows], self._names)

    async def _rows(self, items: Collection[str]) -> Ints:
        """Their rows, all known and none older than KEEP_SECONDS. Others may load, or clear, while this one waits."""
        now = self._clock()
        while True:
            get: Any = self._row.get
            rows = np.fromiter(map(get, items, repeat(-1)), np.int64, len(items))
            missing = (rows < 0) | (self._until[rows] <= now)
            if not missing.any():
                return rows
            await self._load(list(compress(items, missing.tolist())), now)

    async def _load(self, items: list[str], now: float) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for item in items:
            pipeline.hmget(self._keys.product(item), *FIELDS)
        loaded = [_product(entry) for entry in await pipeline.execute()]
        if max(len(self._row), len(self._names)) + len(loaded) > self._most:
            self._clear()
        for item, product in zip(items, loaded, strict=True):
            place = self._place(item)
            self._products[place] = product
            self._known[place], self._until[place] = row(product, self._names), now + KEEP_SECONDS

    def _place(self, item: str) -> int:
        """The item's row, a new one if it has none."""
        place = self._row.setdefault(item, len(self._row))
        if place == len(self._products):
            self._products.append(Product())
        if place == len(self._known):
            self._known = np.concatenate([self._known, np.zeros_like(self._known)])
            self._until = np.concatenate([self._until, np.zeros_like(self._until)])
        return place


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
