"""HTTP/1.1 requests over connections kept open, by asyncio alone: a client library costs as much as the server.

It is for measuring an API of our own on this machine: every answer must have a Content-Length.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.open_loop import open_loop
from common.errors import UnavailableError

CONNECTIONS = 32
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connections:
    """Each carries one request at a time; who asks waits for a free one."""

    def __init__(self, host: str, headers: Mapping[str, str]) -> None:
        self._head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": host, **headers}.items())
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def open(self, host: str | None, port: int | None) -> None:
        """One connection more."""
        self._free.put_nowait(await asyncio.open_connection(host, port))

    async def get(self, path: str) -> bytes:
        """The body; `UnavailableError` for anything but 2xx."""
        return await self._ask("GET", path, b"")

    async def post(self, path: str, message: Any) -> bytes:
        """The body of the answer to a message, sent as JSON."""
        return await self._ask("POST", path, orjson.dumps(message))

    async def _ask(self, method: str, path: str, body: bytes) -> bytes:
        reader, writer = connection = await self._free.get()
        try:
            about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
            writer.write(f"{method} {path} HTTP/1.1\r\n{self._head}{about}\r\n".encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            found = LENGTH.search(head)
            answer = await reader.readexactly(int(found[1])) if found else b""
        except (OSError, EOFError) as error:
            raise UnavailableError(f"the API failed under load: {error or type(error).__name__}") from None
        finally:
            self._free.put_nowait(connection)
        if not head.startswith(b"HTTP/1.1 2"):
            raise UnavailableError(f"the API answered {head.split(maxsplit=2)[1].decode()} to {path}: {answer[:200]!r}")
        return answer

    def close(self) -> None:
        while not self._free.empty():
            self._free.get_nowait()[1].close()


@asynccontextmanager
async def connections(address: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Connections]:
    """Connections to the API at `address`, closed at the end."""
    url = urlsplit(address)
    opened = Connections(url.netloc, headers or {})
    try:
        for _ in range(CONNECTIONS):
            await opened.open(url.hostname, url.port)
        yield opened
    except OSError as error:
        raise UnavailableError(f"no API at {address}: {error}") from None
    finally:
        opened.close()


async def get_open_loop(address: str, paths: list[str], rate: float, seconds: float) -> list[float]:
    """Milliseconds of each answer, the paths in turn, `rate` a second."""
    async with connections(address) as api:

        async def ask(number: int) -> None:
            await api.get(paths[number % len(paths)])

        await open_loop(rate / 4, 2, ask)  # connections and caches are warm
        return await open_loop(rate, seconds, ask)
