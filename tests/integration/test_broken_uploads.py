"""Uploads that their clients leave, and such as are refused before they have come whole."""

import re
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.platform import wait_for

ROUTE = 'method="POST",route="/events"'


@pytest.fixture
def client(api: httpx.Client) -> Iterator[socket.socket]:
    """A bare connection to the API."""
    with socket.create_connection((api.base_url.host, api.base_url.port or 80), timeout=10) as client:
        yield client


def counted(api: httpx.Client, status: int) -> int:
    line = rf'^stylestream_http_request_seconds_count{{{re.escape(ROUTE)},status="{status}"}} (\d+)'
    found = re.search(line, api.get("/metrics").text, re.MULTILINE)
    return int(found[1]) if found else 0


def test_a_client_that_breaks_off_its_upload_is_no_error_of_the_server(
    api: httpx.Client, client: socket.socket, caplog: Any
) -> None:
    client.sendall(b'POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{"eve')
    time.sleep(0.5)  # a reset takes away what has not been read
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # with a reset
    client.close()
    wait_for("counted", lambda: counted(api, 499) == 1, 10)
    assert counted(api, 500) == 0
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("how", [b"Content-Length: 20000000", b"Transfer-Encoding: chunked"])
def test_who_sends_far_too_much_reads_why_it_is_refused(client: socket.socket, how: bytes) -> None:
    body = b"x" * 20_000_000
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    client.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\n" + how + b"\r\n\r\n")
    client.sendall(chunked if how.endswith(b"chunked") else body)
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answers = b""
    while part := client.recv(65_536):
        answers += part
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"413", b"200"]
    assert b'"too_large"' in answers
