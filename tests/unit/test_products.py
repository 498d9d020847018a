"""Products kept in the process: how long, how many, and as columns the same as one by one."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import ConnectionError

from common.keys import Keys
from common.views.offers import Offers
from serving.products import AT_ONCE, FIELDS, KEEP_SECONDS, RENEW_SECONDS, Products


class Redis:
    """Counts what it is asked for; an item's price is the number of its reading."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.waiting: list[str] = []
        self.broken = False

    def pipeline(self, transaction: bool) -> "Redis":
        return self

    def hmget(self, key: str, *fields: str) -> None:
        self.waiting.append(key)

    async def execute(self) -> list[list[Any]]:
        read, self.waiting = self.waiting, []
        await asyncio.sleep(0)
        if self.broken:
            raise ConnectionError
        self.asked += read
        values = {"category": b"coats", "price": str(len(self.asked)).encode(), "launch_date": b"1970-01-02"}
        return [[values.get(field) for field in FIELDS] if "none" not in key else [None] * len(FIELDS) for key in read]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def products(most: int = 100) -> tuple[Products, Redis, Clock]:
    redis, clock = Redis(), Clock()
    return Products(redis, Keys("p"), clock, most), redis, clock


def test_an_item_is_read_once_while_it_is_kept_and_again_after() -> None:
    kept, redis, clock = products()
    assert asyncio.run(kept.of(["a", "b"])).keys() == {"a", "b"}
    asyncio.run(kept.offers(["b", "c", "a"]))
    assert len(redis.asked) == 3
    clock.now = KEEP_SECONDS
    assert asyncio.run(kept.of(["a"]))["a"].price == 4.0
    assert asyncio.run(kept.offers(["a"])).numbers("price").tolist() == [4.0]


def test_what_is_asked_for_is_read_again_beside_the_answers_before_it_is_too_old() -> None:
    kept, redis, clock = products(most=1000)
    items = [f"i{n}" for n in range(3 * AT_ONCE)]

    async def ask() -> None:
        before = (await kept.offers(items)).numbers("price").tolist()
        clock.now = RENEW_SECONDS
        assert (await kept.offers(items)).numbers("price").tolist() == before  # given as it is kept
        assert len(redis.asked) == len(items)
        assert kept._renewing is not None
        await kept._renewing
        assert sorted(redis.asked) == sorted(2 * list(map(Keys("p").product, items)))
        clock.now = KEEP_SECONDS
        assert min((await kept.offers(items)).numbers("price").tolist()) > max(before)
        assert len(redis.asked) == 2 * len(items)

    asyncio.run(ask())


def test_what_cannot_be_renewed_is_read_by_the_answer_that_finds_it_too_old() -> None:
    kept, redis, clock = products()

    async def ask() -> None:
        await kept.of(["a"])
        redis.broken = True
        clock.now = RENEW_SECONDS
        assert (await kept.of(["a"]))["a"].price == 1.0
        assert kept._renewing is not None
        await kept._renewing
        clock.now = KEEP_SECONDS
        with pytest.raises(ConnectionError):
            await kept.of(["a"])
        redis.broken = False
        assert (await kept.of(["a"]))["a"].price == 2.0

    asyncio.run(ask())


def test_columns_hold_what_products_hold() -> None:
    kept, _, _ = products()
    items = [f"i{n}" for n in range(2000)] + ["none"]  # more than there are rows at first
    found, single = asyncio.run(kept.offers(items)), Offers.of(asyncio.run(kept.of(items)))
    assert list(found.items) == items
    assert found.named("category") == single.named("category") == ["coats"] * 2000 + [""]
    assert found.known[:-1].tolist() == single.known[:-1].tolist()
    assert found.known["offered"].all()


def test_beyond_the_most_it_begins_anew_also_while_others_wait() -> None:
    kept, _, _ = products(most=10)

    async def ask() -> None:
        lists = [[f"{start}-{n}" for n in range(6)] for start in range(5)]
        answers = await asyncio.gather(*map(kept.offers, lists), kept.of([*lists[0][:3], *lists[1][:3]]))
        for items, found in zip(lists, answers, strict=False):
            assert list(found.items) == items
            assert (found.numbers("price") > 0).all()
        assert len(kept._row) <= 10

    asyncio.run(ask())
