"""The load generator: calls when due, errors at once, connections whole."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bench.http_load import connections
from bench.open_loop import open_loop
from common.errors import UnavailableError

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Clock:
    """Seconds that stand still but for `sleep`, which lets what is due run first, and for who moves them."""

    def __init__(self) -> None:
        self.now = 9.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def test_latency_counts_from_when_a_call_was_due() -> None:
    clock = Clock()

    async def blocks_the_loop(number: int) -> None:
        if number == 0:
            clock.now += 0.2

    times = asyncio.run(open_loop(100, 0.3, blocks_the_loop, clock, clock.sleep))
    assert times == pytest.approx([max(0, 200 - 10 * number) for number in range(30)])


def test_a_call_is_made_when_it_is_due_and_not_after_the_one_before_has_its_answer() -> None:
    clock, begun = Clock(), []
    answered = asyncio.Event()

    async def waits_for_the_last(number: int) -> None:
        begun.append(clock.now - 9)
        if number == 9:
            answered.set()
        await answered.wait()

    times = asyncio.run(open_loop(10, 1, waits_for_the_last, clock, clock.sleep))
    assert begun == pytest.approx([number / 10 for number in range(10)])
    assert times == pytest.approx([900 - 100 * number for number in range(10)])


def test_the_first_error_ends_the_load() -> None:
    calls, clock = [], Clock()

    async def fails(number: int) -> None:
        calls.append(number)
        if number == 3:
            raise UnavailableError("down")

    with pytest.raises(UnavailableError, match="down"):
        asyncio.run(open_loop(100, 100, fails, clock, clock.sleep))
    assert calls == [0, 1, 2, 3]


async def served(answer: Answer, ask: Callable[[str], Awaitable[None]]) -> None:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        await ask(f"http://{host}:{port}")


def test_a_connection_that_the_server_has_closed_is_opened_anew_and_text_is_encoded() -> None:
    lines: list[bytes] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append((await reader.readuntil(b"\r\n\r\n")).splitlines()[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def ask(address: str) -> None:
        async with connections(address) as api:
            for _ in range(100):
                assert await api.get("/a b?c=코트") == b"ok"

    asyncio.run(served(once, ask))
    assert set(lines) == {b"GET /a%20b?c=%EC%BD%94%ED%8A%B8 HTTP/1.1"}


def test_an_answer_that_is_no_2xx_or_breaks_off_is_said() -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readuntil(b"\r\n\r\n")).splitlines()[0]
        body = b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno" if b"/no" in line else b"HTTP/1.1 200 OK\r\n"
        writer.write(body)
        writer.close()

    async def ask(address: str) -> None:
        async with connections(address) as api:
            with pytest.raises(UnavailableError, match="answered 500 to /no"):
                await api.get("/no")
            with pytest.raises(UnavailableError, match="failed under load"):
                await api.get("/cut")

    asyncio.run(served(broken, ask))
