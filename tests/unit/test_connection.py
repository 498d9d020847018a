"""Connections by hand, as slow, silent and strange clients have them: cut in time, answered where they asked."""

import asyncio
import contextlib
import json
import logging
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from common.config_load import load_config
from local.process import wait_until
from serving import connection
from serving.metrics import Metrics
from serving.server import listen, settings

SECONDS = 0.4
GET = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"
Connect = Callable[[], socket.socket]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REQUEST_SECONDS", SECONDS)


async def quick(_: Request) -> PlainTextResponse:
    return PlainTextResponse("quick")


async def slow(_: Request) -> PlainTextResponse:
    await asyncio.sleep(3 * SECONDS)
    return PlainTextResponse("slow")


async def read(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def early(_: Request) -> PlainTextResponse:
    return PlainTextResponse("early", 413)


def application() -> Starlette:
    app = Starlette(
        routes=[Route(f"/{one.__name__}", one, methods=["GET", "POST"]) for one in (quick, slow, read, early)]
    )
    app.state.services = SimpleNamespace(metrics=Metrics())
    return app


@contextlib.contextmanager
def served(app: Starlette, most: int = 100, keep_alive: int = 60) -> Iterator[Connect]:
    """How to connect; all that were made are closed at the end."""
    (listener,) = listen("127.0.0.1", 0)
    protocol: Any = connection.bounded(most)
    server = uvicorn.Server(
        uvicorn.Config(app, http=protocol, timeout_keep_alive=keep_alive, access_log=False, log_config=None)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    with contextlib.ExitStack() as stack:
        stack.callback(thread.join, 10)
        stack.callback(setattr, server, "should_exit", True)
        assert wait_until(lambda: server.started, 10, every=0.01)
        yield lambda: stack.enter_context(socket.create_connection(listener.getsockname(), timeout=10))


@pytest.fixture
def app() -> Starlette:
    return application()


@pytest.fixture
def connect(app: Starlette) -> Iterator[Connect]:
    with served(app) as connect:
        yield connect


def rest(client: socket.socket) -> bytes:
    """All that comes until the server closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def answer(client: socket.socket) -> tuple[int, bytes]:
    """Status and body of one answer."""
    text = b""
    while b"\r\n\r\n" not in text:
        part = client.recv(1)
        assert part, f"closed after {text!r}"
        text += part
    head = text.lower().decode()
    length = int(head.partition("content-length: ")[2].split("\r\n")[0])
    body = b""
    while len(body) < length:
        body += client.recv(length - len(body))
    return int(head.split()[1]), body


def error(client: socket.socket) -> tuple[int, str, str]:
    """Status, code and message of an error after which the connection is closed."""
    status, body = answer(client)
    told = json.loads(body)["error"]
    assert rest(client) == b""
    return status, told["code"], told["message"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 0),
        (b"\r\n", 0),
        (b"GET /qui", 408),
        (GET[:-2], 408),
        (b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", 408),
        (b"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n", 408),
    ],
)
def test_a_request_that_is_not_whole_in_time_is_closed(connect: Connect, sent: bytes, status: int) -> None:
    client, begun = connect(), time.monotonic()
    client.sendall(sent)
    if status:
        assert error(client)[:2] == (status, "too_slow")
    else:
        assert rest(client) == b""
    assert SECONDS * 0.9 < time.monotonic() - begun < SECONDS + 3


@pytest.mark.parametrize("begin", [b"POST /read HTTP/1.1\r\nContent-Length: 900\r\n\r\n", b"GET /", GET + b"\r\n"])
def test_a_byte_now_and_then_wins_no_time(connect: Connect, begin: bytes) -> None:
    client, begun = connect(), time.monotonic()
    client.sendall(begin)
    with contextlib.suppress(OSError):
        while time.monotonic() - begun < 20 * SECONDS:
            client.sendall(b"\r\n" if begin.startswith(GET) else b"x")
            time.sleep(SECONDS / 5)
    assert time.monotonic() - begun < 10 * SECONDS


def test_what_the_server_takes_itself_and_rests_between_requests_are_no_lateness(connect: Connect) -> None:
    client = connect()
    for path in (b"/slow", b"/quick", b"/read"):
        client.sendall(GET.replace(b"/quick", path))
        assert answer(client)[0] == 200
        time.sleep(2 * SECONDS)
    client.sendall(GET)
    assert answer(client) == (200, b"quick")


def test_an_idle_connection_is_closed_later_than_a_proxy_gives_it_up() -> None:
    kept = settings(load_config(env={})).timeout_keep_alive
    assert kept > 60  # of nginx (keepalive_timeout) and AWS' load balancers
    with served(application(), keep_alive=1) as connect:
        client = connect()
        client.sendall(GET)
        assert answer(client) == (200, b"quick")
        begun = time.monotonic()
        assert rest(client) == b""
        assert 0.9 < time.monotonic() - begun < 4


def test_who_waits_longest_makes_room(app: Starlette) -> None:
    with served(app, most=4) as connect:
        silent = [connect() for _ in range(4)]
        time.sleep(0.05)
        asking = connect()
        asking.sendall(GET)
        assert answer(asking) == (200, b"quick")
        assert rest(silent[0]) == b""
        silent[3].sendall(GET)
        assert answer(silent[3]) == (200, b"quick")


@pytest.mark.parametrize("before", [0, 1])
def test_who_is_being_answered_is_not_cut_off_for_others(app: Starlette, before: int) -> None:
    with served(app, most=3) as connect:
        busy = [connect() for _ in range(3)]
        for client in busy:
            client.sendall(before * GET + GET.replace(b"quick", b"slow"))  # both at once, as pipelines do
            assert [answer(client) for _ in range(before)] == before * [(200, b"quick")]
        time.sleep(0.05)
        late = connect()
        assert error(late)[:2] == (503, "unavailable")
        assert [answer(client) for client in busy] == [(200, b"slow")] * 3


@pytest.mark.parametrize(
    ("sent", "status", "code", "word"),
    [
        ("GET /rankings?category=여성/자켓 HTTP/1.1\r\n\r\n".encode(), 400, "invalid_input", "percent-encode"),
        ("GET /items/자켓 HTTP/1.1\r\n\r\n".encode(), 400, "invalid_input", "percent-encode"),
        (b"GET /quick?" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, "too_large", "65535"),
        (b"GET /quick HTTP/1.1\r\nX: " + b"x" * 10_000_000, 431, "too_large", "131072"),
        (b"GET /" + b"x" * 10_000_000, 431, "too_large", "131072"),
        (b"\x16\x03\x01\x02\x00\x01", 400, "malformed_http", "HTTP"),
    ],
    ids=["query", "path", "long", "header", "endless", "tls"],
)
def test_what_cannot_be_read_is_told_and_counted_but_not_logged(
    connect: Connect, app: Starlette, caplog: Any, sent: bytes, status: int, code: str, word: str
) -> None:
    caplog.set_level(logging.DEBUG)
    client = connect()
    threading.Thread(target=_send, args=(client, sent)).start()
    if len(sent) < 1_000_000:
        found = error(client)
        assert found[:2] == (status, code) and word in found[2]
    else:
        rest(client)  # the answer may be lost on the way where the client goes on sending
    line = f'http_request_seconds_count{{method="other",route="unmatched",status="{status}"}} 1.0'
    assert wait_until(lambda: line in app.state.services.metrics.text().decode(), 5)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def _send(client: socket.socket, sent: bytes) -> None:
    with contextlib.suppress(OSError):
        client.sendall(sent)


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_before_the_end_of_the_body_arrives_and_the_next_request_is_its_own(
    connect: Connect, chunked: bool
) -> None:
    length = 5_000_000
    how = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % length
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (length, b"x" * length) if chunked else b"x" * length
    client = connect()
    client.sendall(b"POST /early HTTP/1.1\r\nHost: x\r\n" + how + b"\r\n\r\n" + body)
    client.sendall(GET)
    assert [answer(client), answer(client)] == [(413, b"early"), (200, b"quick")]


def test_the_number_of_connections_leaves_files_for_all_else() -> None:
    assert 64 <= connection.most_connections() <= connection.MOST_CONNECTIONS
    assert connection.most_connections() * 2 <= resource.getrlimit(resource.RLIMIT_NOFILE)[0]
