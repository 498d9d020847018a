"""The serving layer's own limits: rate, nesting, loopback; and the listener without Nagle's delay."""

import socket
from typing import Any

import pytest

from serving.auth import is_loopback
from serving.limits import MAX_ADDRESSES, MAX_NESTING, RateLimit, too_deep
from serving.server import listen


def test_a_burst_passes_up_to_the_rate_and_then_one_at_a_time() -> None:
    now = [100.0]
    limit = RateLimit(4, lambda: now[0])
    assert [limit.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.25]
    assert limit.take("b") == 0
    now[0] += 0.25
    assert [limit.take("a") == 0 for _ in range(2)] == [True, False]


def test_addresses_without_end_take_no_memory_without_end() -> None:
    limit = RateLimit(1)
    for number in range(MAX_ADDRESSES + 100):
        limit.take(str(number))
    assert len(limit._buckets) == MAX_ADDRESSES


@pytest.mark.parametrize(("levels", "refused"), [(1, False), (MAX_NESTING, False), (MAX_NESTING + 2, True)])
def test_nesting_is_limited(levels: int, refused: bool) -> None:
    value: Any = 1
    for _ in range(levels):
        value = {"a": [value]} if levels < MAX_NESTING // 2 else [value]
    assert too_deep(value) is refused


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("shop.example", False)],
)
def test_loopback_is_recognised(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_the_listener_is_one_on_which_asyncio_turns_nagles_delay_off() -> None:
    with listen("127.0.0.1", 0)[0] as listener:
        assert listener.proto == socket.IPPROTO_TCP
