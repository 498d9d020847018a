"""Answers kept in the process: who waits, what is given while it is renewed, what a failure leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from serving.kept import Kept


class Source:
    """Numbers that are handed out one by one, each only when `go` is called."""

    def __init__(self) -> None:
        self.asked = 0
        self.gates: list[asyncio.Future[None]] = []

    async def make(self) -> int:
        self.asked += 1
        number, gate = self.asked, asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate
        return number


async def settle() -> None:
    """Lets everything that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def run(scene: Callable[[Kept, Source, list[float]], Awaitable[Any]]) -> None:
    now = [0.0]
    asyncio.run(scene(Kept(lambda: now[0]), Source(), now))  # type: ignore[arg-type]


def test_the_old_answer_is_given_while_one_new_one_is_made() -> None:
    async def scene(kept: Kept, source: Source, now: list[float]) -> None:
        first = [asyncio.ensure_future(kept.latest("k", 60, source.make)) for _ in range(3)]
        await settle()
        source.gates[0].set_result(None)
        assert await asyncio.gather(*first) == [1, 1, 1]
        now[0] = 61
        assert [await kept.latest("k", 60, source.make) for _ in range(5)] == [1] * 5
        await settle()
        assert source.asked == 2
        source.gates[1].set_result(None)
        await settle()
        assert await kept.latest("k", 60, source.make) == 2

    run(scene)


def test_a_renewal_that_fails_leaves_the_old_answer_and_is_tried_again() -> None:
    async def scene(kept: Kept, source: Source, now: list[float]) -> None:
        async def one() -> int:
            return 1

        async def broken() -> int:
            raise ValueError

        assert await kept.latest("k", 60, one) == 1
        now[0] = 61
        assert await kept.latest("k", 60, broken) == 1
        await settle()
        assert await kept.latest("k", 60, source.make) == 1
        assert source.asked == 0  # not before another 60 s
        now[0] = 130
        assert await kept.latest("k", 60, source.make) == 1
        await settle()
        assert source.asked == 1
        source.gates[0].set_result(None)
        await settle()

    run(scene)


def test_the_first_failure_is_the_askers() -> None:
    async def scene(kept: Kept, source: Source, now: list[float]) -> None:
        async def broken() -> int:
            raise ValueError

        for _ in range(2):
            with pytest.raises(ValueError):
                await kept.latest("k", 60, broken)

    run(scene)
