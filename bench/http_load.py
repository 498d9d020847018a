"""HTTP/1.1 requests over connections kept open, by asyncio alone: a client library costs as much as the server.

It is for measuring an API of our own on this machine: every answer must have a Content-Length.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from bench.open_loop import open_loop
from common.errors import UnavailableError

CONNECTIONS = 32
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connections:
    """Each carries one request at a time; who asks waits for a free one."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._url = urlsplit(address)
        self._head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": self._url.netloc, **headers}.items())
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        self._open: set[asyncio.StreamWriter] = set()

    async def add(self) -> None:
        """One connection more."""
        self._free.put_nowait(await self._connect())

    async def get(self, path: str) -> bytes:
        """The body; `UnavailableError` for anything but 2xx."""
        return await self._ask("GET", path, b"")

    async def post(self, path: str, message: Any) -> bytes:
        """The body of the answer to a message, sent as JSON."""
        return await self._ask("POST", path, orjson.dumps(message))

    def close(self) -> None:
        for writer in self._open:
            writer.close()

    async def _connect(self) -> Connection:
        connection = await asyncio.open_connection(self._url.hostname, self._url.port)
        self._open.add(connection[1])
        return connection

    async def _ask(self, method: str, path: str, body: bytes) -> bytes:
        """A connection that did not bring a whole answer is not used again."""
        connection = await self._free.get()
        try:
            if connection[0].at_eof():  # the server closes what is idle
                connection = await self._connect()
            about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
            line = f"{method} {quote(path, safe='/?&=%')} HTTP/1.1\r\n"
            head, answer = await exchange(connection, f"{line}{self._head}{about}\r\n".encode() + body)
        except (OSError, EOFError) as error:
            raise UnavailableError(f"the API failed under load: {error or type(error).__name__}") from None
        self._free.put_nowait(connection)
        if not head.startswith(b"HTTP/1.1 2"):
            raise UnavailableError(f"the API answered {head.split(maxsplit=2)[1].decode()} to {path}: {answer[:200]!r}")
        return answer


async def exchange(connection: Connection, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer to a request."""
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    found = LENGTH.search(head)
    return head, await reader.readexactly(int(found[1])) if found else b""


@asynccontextmanager
async def connections(address: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Connections]:
    """Connections to the API at `address`, closed at the end; `UnavailableError` where nothing listens."""
    opened = Connections(address, headers or {})
    try:
        try:
            for _ in range(CONNECTIONS):
                await opened.add()
        except OSError as error:
            raise UnavailableError(f"no API at {address}: {error}") from None
        yield opened
    finally:
        opened.close()


async def get_open_loop(address: str, paths: list[str], rate: float, seconds: float) -> list[float]:
    """Milliseconds of each answer, the paths in turn, `rate` a second."""
    async with connections(address) as api:

        async def ask(number: int) -> None:
            await api.get(paths[number % len(paths)])

        await open_loop(rate / 4, 2, ask)  # connections and caches are warm
        return await open_loop(rate, seconds, ask)
