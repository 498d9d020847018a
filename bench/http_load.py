"""GET requests over HTTP/1.1 connections kept open, by asyncio alone: a client library costs as much as the server.

It is for measuring an API of our own on this machine: every answer must have a Content-Length.
"""

import asyncio
import re
from urllib.parse import urlsplit

from bench.open_loop import open_loop
from common.errors import UnavailableError

CONNECTIONS = 32
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection:
    """One connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host

    async def get(self, path: str) -> bytes:
        """The body; `UnavailableError` for anything but 200."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        found = LENGTH.search(head)
        body = await self._reader.readexactly(int(found[1])) if found else b""
        if not head.startswith(b"HTTP/1.1 200"):
            raise UnavailableError(f"the API answered {head.split(maxsplit=2)[1].decode()} to {path}: {body[:200]!r}")
        return body

    def close(self) -> None:
        self._writer.close()


async def get_open_loop(address: str, paths: list[str], rate: float, seconds: float) -> list[float]:
    """Milliseconds of each answer, the paths in turn, `rate` a second; a request waits for a free connection."""
    url = urlsplit(address)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        free.put_nowait(Connection(reader, writer, url.netloc))

    async def ask(number: int) -> None:
        connection = await free.get()
        try:
            await connection.get(paths[number % len(paths)])
        finally:
            free.put_nowait(connection)

    try:
        await open_loop(rate / 4, 2, ask)  # connections and caches are warm
        return await open_loop(rate, seconds, ask)
    except (OSError, EOFError) as error:
        raise UnavailableError(f"the API failed under load: {error or type(error).__name__}") from None
    finally:
        while not free.empty():
            free.get_nowait().close()
