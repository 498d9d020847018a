"""What is known of many products at once: from the product cache in Redis, kept in the process for a moment.

Recommendations look at hundreds of products a request; asking Redis for each of them every time took most of
the request's time (measured: 15 of 20 ms). They are kept as columns, an item a row, as signals are worked out on
columns. A change in the catalogue shows in them after KEEP_SECONDS at most;
`GET /v1/items/{id}` always asks Redis.

What is asked for is read again beside the answers, a few at a time, before it is too old: were it read by the answer
that finds it so, hundreds would fall due at once and all answers wait for that one (5 ms every few seconds).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from itertools import compress, islice, repeat
from typing import Any

import numpy as np
from redis.exceptions import RedisError

from common.keys import Keys
from common.views.offers import KNOWN, Ints, Names, Offers, Product, row

KEEP_SECONDS = 5.0
RENEW_SECONDS = 2.0  # from this age on
AT_ONCE = 25  # products a round trip beside the answers: half a millisecond
MOST = 200_000
FIELDS = ("category", "price", "style", "brand", "status", "stock", "launch_date")
EPOCH = date(1970, 1, 1)
log = logging.getLogger(__name__)


class Products:
    """One a process, of `most` items; what comes beyond them lets go of all that is kept."""

    def __init__(self, client: Any, keys: Keys, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._redis, self._keys, self._clock, self._most = client, keys, clock, most
        self._ageing: set[str] = set()
        self._renewing: asyncio.Task[None] | None = None
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
            left = self._until[rows] - now
            missing = (rows < 0) | (left <= 0)
            if not missing.any():
                ageing = left <= KEEP_SECONDS - RENEW_SECONDS
                if ageing.any():
                    self._renew(compress(items, ageing.tolist()))
                return rows
            await self._load(list(compress(items, missing.tolist())), now)

    def _renew(self, items: Iterable[str]) -> None:
        """Sees to it that they are read again, and returns."""
        self._ageing.update(items)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.ensure_future(self._renewed())

    async def _renewed(self) -> None:
        """Reads again what is ageing. What cannot be read is left to the answer that finds it too old."""
        try:
            while self._ageing:
                part = list(islice(self._ageing, AT_ONCE))
                await self._load(part, self._clock())
                self._ageing.difference_update(part)
        except RedisError as error:
            log.warning("products not renewed: %s", type(error).__name__)
        finally:
            self._ageing.clear()

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
