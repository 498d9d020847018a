"""Answers kept in the process: who waits, what is given while it is renewed, what a failure leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from serving.kept import MOST, Kept


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


async def one() -> int:
    return 1


async def broken() -> int:
    raise ValueError("no")


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


def test_a_renewal_that_fails_is_logged_leaves_the_old_answer_and_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scene(kept: Kept, source: Source, now: list[float]) -> None:
        assert await kept.latest("k", 60, one) == 1
        now[0] = 61
        assert await kept.latest("k", 60, broken) == 1
        await settle()
        assert "k: could not be renewed" in caplog.text
        assert "ValueError no" in caplog.text
        assert await kept.latest("k", 60, source.make) == 1
        assert source.asked == 0  # not at once
        now[0] = 80
        assert await kept.latest("k", 60, source.make) == 1
        await settle()
        assert source.asked == 1
        source.gates[0].set_result(None)
        await settle()

    run(scene)


def test_what_nobody_asked_for_in_a_long_time_is_waited_for_and_its_failure_is_the_askers() -> None:
    async def scene(kept: Kept, source: Source, now: list[float]) -> None:
        async def old() -> int:
            return -8

        assert await kept.latest("k", 60, old) == -8
        now[0] = 8 * 3600
        with pytest.raises(ValueError):
            await kept.latest("k", 60, broken)
        asked = [asyncio.ensure_future(kept.latest("k", 60, source.make)) for _ in range(3)]
        await settle()
        assert not any(one.done() for one in asked)
        source.gates[0].set_result(None)
        assert await asyncio.gather(*asked) == [1, 1, 1]

    run(scene)


def test_a_slow_answer_is_made_once_and_kept_from_when_it_is_done() -> None:
    async def scene(kept: Kept, source: Source, now: list[float]) -> None:
        first = asyncio.ensure_future(kept.get("k", 10, source.make))
        await settle()
        now[0] = 100
        second = asyncio.ensure_future(kept.get("k", 10, source.make))
        await settle()
        assert source.asked == 1
        source.gates[0].set_result(None)
        assert await asyncio.gather(first, second) == [1, 1]
        now[0] = 109
        assert await kept.get("k", 10, source.make) == 1
        now[0] = 110
        assert await kept.get("k", 10, one) == 1
        assert await kept.get("k", 0, old_or_new) == 2  # for no time: never used again

    async def old_or_new() -> int:
        return 2

    run(scene)


def test_more_than_can_be_kept_leave_but_not_what_is_still_being_made() -> None:
    async def scene(kept: Kept, source: Source, now: list[float]) -> None:
        asked = [asyncio.ensure_future(kept.get(n, 60, source.make)) for n in range(300)]
        await settle()
        asked += [asyncio.ensure_future(kept.get(n, 60, source.make)) for n in range(300)]
        await settle()
        assert source.asked == 300
        for gate in source.gates[:300]:
            gate.set_result(None)
        assert sorted(await asyncio.gather(*asked)) == sorted([*range(1, 301)] * 2)
        assert await kept.get("new", 60, one) == 1
        assert len(kept._answers) == MOST

    run(scene)


def test_the_first_failure_is_the_askers() -> None:
    async def scene(kept: Kept, source: Source, now: list[float]) -> None:
        for _ in range(2):
            with pytest.raises(ValueError):
                await kept.latest("k", 60, broken)

    run(scene)


def test_all_of_several_are_made_at_once_and_given_in_order() -> None:
    async def work() -> None:
        now = 0.0
        kept, source = Kept(lambda: now), Source()
        wanted = dict.fromkeys(("a", "b", "c"), source.make)
        waiting = asyncio.ensure_future(kept.all_of(wanted, 1))
        await settle()
        assert source.asked == 3
        for gate in reversed(source.gates):
            gate.set_result(None)
        assert await waiting == [1, 2, 3]
        assert await kept.all_of(dict.fromkeys(("c", "a"), source.make), 1) == [3, 1]
        now = 2.0
        again = asyncio.ensure_future(kept.all_of(dict.fromkeys(("c", "a"), source.make), 1))
        await settle()
        assert source.asked == 5
        for gate in source.gates[3:]:
            gate.set_result(None)
        assert await again == [4, 5]

    asyncio.run(work())
