"""Requests are refused at once while a store does not answer, and only then."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from serving import circuit as module
from serving.circuit import Circuit
from serving.errors import ApiError


class Store:
    """Answers, fails or hangs, and counts how often it was asked."""

    def __init__(self) -> None:
        self.state, self.asked = "answers", 0

    async def probe(self) -> None:
        self.asked += 1
        if self.state == "hangs":
            await asyncio.sleep(3600)
        if self.state == "fails":
            raise ConnectionError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.02)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("never")


def run(steps: Callable[[Store, Circuit], Awaitable[None]]) -> None:
    async def main() -> None:
        store = Store()
        circuit = Circuit("Kafka", store.probe)
        await steps(store, circuit)
        circuit.close()

    asyncio.run(main())


@pytest.mark.parametrize("state", ["fails", "hangs"])
def test_it_opens_where_the_store_does_not_answer_and_closes_when_it_does(state: str) -> None:
    async def steps(store: Store, circuit: Circuit) -> None:
        store.state = state
        circuit.check()
        circuit.suspect()
        await until(lambda: circuit.is_open)
        with pytest.raises(ApiError, match="Kafka does not answer; try again") as refused:
            circuit.check()
        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
        asked = store.asked
        await until(lambda: store.asked > asked + 1)
        store.state = "answers"
        await until(lambda: not circuit.is_open)
        circuit.check()
        asked = store.asked
        await asyncio.sleep(0.05)
        assert store.asked == asked  # no more looking
        store.state = state
        circuit.suspect()
        await until(lambda: circuit.is_open)

    run(steps)


def test_a_suspicion_that_is_wrong_refuses_nothing_and_many_are_one_look() -> None:
    async def steps(store: Store, circuit: Circuit) -> None:
        for _ in range(100):
            circuit.suspect()
        await until(lambda: store.asked > 0)
        await asyncio.sleep(0.05)
        assert (store.asked, circuit.is_open) == (1, False)

    run(steps)
