"""What a client's connection may take before a request is whole: time, bytes of the head, and a place among others.

uvicorn bounds none of these: half a head would hold its socket for good, and one without end the memory. Here a
request must be whole in time. Where there are too many connections, the one that has waited longest makes room, so
that whoever sends nothing keeps nobody out. What cannot be read is answered in the shape of all errors.
"""

import logging
import resource
import sys
from asyncio import BaseTransport, TimerHandle
from contextlib import suppress
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.errors import ApiError, unavailable
from serving.gate import HEADERS

REQUEST_SECONDS = 30.0
MOST_HEAD = 131_072  # bytes
MOST_URL = 65_535  # bytes; what the parser takes
MOST_CONNECTIONS = 10_000
CLOSE = (b"connection", b"close")

log = logging.getLogger("stylestream.serving.connection")
log.setLevel(logging.ERROR)  # uvicorn warns of each request that cannot be read: any caller could fill the log


def most_connections() -> int:
    """Half of the files that this process may open, once it may open as many as it is allowed."""
    enough = 2 * MOST_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < enough:  # negative: without a limit
        with suppress(ValueError, OSError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(enough, hard) if hard >= 0 else enough, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return min(enough, soft) // 2 if soft >= 0 else MOST_CONNECTIONS


def bounded(connections: int) -> "type[Connection]":
    """The protocol of one server, of at most so many connections."""

    class Bounded(Connection):
        most = connections
        waiting: ClassVar[dict[Connection, None]] = {}

    return Bounded


class Connection(HttpToolsProtocol):
    """One connection; `waiting` are those of its server that have no whole request, the longest first."""

    most: ClassVar[int]
    waiting: ClassVar["dict[Connection, None]"]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.logger = log
        self._deadline: TimerHandle | None = None
        self._in_head = self._in_body = False
        self._head = 0

    def connection_made(self, transport: BaseTransport) -> None:  # type: ignore[override]
        """Takes a place, of the longest waiting where there is none."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait()
        self._hurry()
        if len(self.connections) <= self.most:
            return
        longest = next(iter(self.waiting))
        del self.waiting[longest]
        if longest is self:
            self._refuse(unavailable("too many connections"))
        else:
            longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gives its place back."""
        self._take_time()
        self.waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Part of a request, which has begun to run out of time."""
        if self.transport.is_closing():
            return
        if self in self.waiting:
            self._hurry()
        before = self._in_head
        super().data_received(data)
        self._head = self._head + len(data) if before and self._in_head else 0
        if self._head > MOST_HEAD:
            self._refuse(ApiError(431, "too_large", f"address and headers must be at most {MOST_HEAD} bytes"))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._hurry()

    def on_headers_complete(self) -> None:
        """Its head is there."""
        super().on_headers_complete()
        self._in_head, self._in_body = False, True

    def on_message_complete(self) -> None:
        """It is whole: from now on it's ours that takes time."""
        super().on_message_complete()
        self._in_body = False
        self._take_time()
        self.waiting.pop(self, None)

    def on_response_complete(self) -> None:
        """It is answered; the next may be whole already, and is begun."""
        idle = not self.pipeline
        super().on_response_complete()
        if self.transport.is_closing():
            self._hurry()  # to read the answer
        elif idle:
            self._wait()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing has come for so long; an answer that nobody reads is dropped."""
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """What cannot be read. uvicorn calls it while it handles the parser's error."""
        self._refuse(self._problem(sys.exc_info()[1]))

    def _problem(self, error: BaseException | None) -> ApiError:
        if isinstance(error, httptools.HttpParserInvalidURLError):
            return ApiError(
                400, "invalid_input", "the address holds what a URL cannot hold: percent-encode it as UTF-8"
            )
        if self._in_head and len(self.url) > MOST_URL:
            return ApiError(414, "too_large", f"the address must be at most {MOST_URL} bytes")
        return ApiError(400, "malformed_http", "this is no HTTP request that can be read")

    def _wait(self) -> None:
        self.waiting.pop(self, None)
        self.waiting[self] = None

    def _hurry(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self._late)

    def _take_time(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        begun = self.cycle.response_started if self._in_body else answering
        if self.transport.is_closing() or begun or not (self._in_head or self._in_body):
            self.transport.abort()
        else:
            self._refuse(ApiError(408, "too_slow", f"the request was not whole within {REQUEST_SECONDS:.0f} seconds"))

    def _refuse(self, error: ApiError) -> None:
        """Answers and closes; what has a head is counted by `serving.gate`."""
        answer = error.answer()
        headers = [name + b": " + value + b"\r\n" for name, value in (*answer.raw_headers, *HEADERS, CLOSE)]
        self.transport.write(b"".join([STATUS_LINE[error.status], *headers, b"\r\n", bytes(answer.body)]))
        self.transport.close()
        if not self._in_body:
            services: Any = self.config.app.state.services  # type: ignore[union-attr]
            services.metrics.requests.labels("other", "unmatched", str(error.status)).observe(0.0)
