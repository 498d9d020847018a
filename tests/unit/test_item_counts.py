"""Counts of an hour and a day against plain sums; Redis is a dictionary of hashes."""

import asyncio
from typing import Any

from common.keys import Keys, member
from serving.item_counts import ANEW_MINUTES, DAY, HOUR, Counted, ItemCounts

Hashes = dict[str, dict[bytes, bytes]]


def fact(views: int, clicks: int = 0, exposures: int = 0) -> bytes:
    return f"x|{views},{clicks},{exposures},0".encode()


def test_more_keys_than_the_table_began_with_are_all_counted() -> None:
    counted = Counted()
    items = [member("coats", f"i{n}") for n in range(3000)]
    counted.add(1, {item.encode(): fact(n, 1, 2) for n, item in enumerate(items)}, HOUR)
    counted.add(2, {item.encode(): fact(1) for item in items}, DAY)
    found = counted.of(items)
    assert found[:, 0].tolist() == list(range(3000))
    assert found[:, 3].tolist() == [1.0] * 3000


def test_a_failure_is_logged_and_the_table_read_anew() -> None:
    keys = Keys("t")
    redis = Redis({keys.item_fact(90): {b"coats\x1fa": b"no fact"}})

    async def work() -> Any:
        counts = ItemCounts(redis, keys, 2)
        await counts._follow(100)
        redis.hashes[keys.item_fact(90)] = {b"coats\x1fa": fact(3)}
        await counts._follow(100)
        return counts.now(None).of(["coats\x1fa"])

    assert asyncio.run(work())[0, 0] == 3


def test_a_minute_changed_or_lost_after_it_was_added_leaves_no_trace() -> None:
    keys, coat, late = Keys("t"), "coats\x1fa", 2
    redis = Redis({keys.item_fact(minute): {coat.encode(): fact(5, 1, 2)} for minute in range(3000)})

    async def moved(counts: ItemCounts, *minutes: int) -> Any:
        for minute in minutes:
            await counts.move(minute + late)
        return counts.now(None).of([coat])[0]

    async def work() -> None:
        counts = ItemCounts(redis, keys, late)
        whole = (await moved(counts, 2000)).tolist()
        assert whole == [300, 60, 120, 7200, 1440, 2880, 1440, 2880, 1440, 2880]
        for minute in range(1900, 2000):
            redis.hashes[keys.item_fact(minute)] = {coat.encode(): fact(9000, 9000, 9000), b"coats\x1fb": fact(7)}
        assert (await moved(counts, 2010, 2020)).tolist() == whole
        redis.hashes.clear()
        assert (await moved(counts, 2000 + ANEW_MINUTES - 1))[[0, 3]].tolist() == [300 - 9 * 5, 7200 - 9 * 5]
        assert not (await moved(counts, 2000 + ANEW_MINUTES)).any()  # read anew

    asyncio.run(work())


class Redis:
    """What the counts ask of a client."""

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        self._asked: list[str] = []

    def pipeline(self, transaction: bool) -> "Redis":
        self._asked = []
        return self

    def hgetall(self, key: str) -> None:
        self._asked.append(key)

    async def execute(self) -> list[dict[bytes, bytes]]:
        return [self.hashes.get(key, {}) for key in self._asked]
