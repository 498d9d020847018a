"""The serving layer's own limits: rate, nesting, loopback; and the listener without Nagle's delay."""

import os
import socket
import subprocess
import sys

import pytest

from common.events import MAX_NESTING
from common.strict_json import too_deep
from serving.auth import is_loopback
from serving.limits import MAX_ADDRESSES, RateLimit
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


@pytest.mark.parametrize(("levels", "refused"), [(1, False), (MAX_NESTING, False), (MAX_NESTING + 1, True)])
@pytest.mark.parametrize("mixed", [False, True])
def test_what_is_nested_deeper_than_the_limit_is_too_deep(levels: int, refused: bool, mixed: bool) -> None:
    pairs = [('{"a":', "}") if mixed and n % 2 else ("[", "]") for n in range(levels)]
    text = (
        "".join(opening for opening, _ in pairs) + '"[[[[[[[[[[[[[[[[[["' + "".join(close for _, close in pairs[::-1])
    )
    assert too_deep(text) is refused


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("shop.example", False)],
)
def test_loopback_is_recognised(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_the_listener_is_one_on_which_asyncio_turns_nagles_delay_off() -> None:
    with listen("127.0.0.1", 0)[0] as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_variable_that_other_programs_have_for_their_metrics_changes_nothing() -> None:
    told = "import serving.metrics as m; one = m.Metrics(); one.resent.inc(5); print(one.text().decode())"
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": "/nonexistent/folder"}
    done = subprocess.run(
        [sys.executable, "-c", told], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "stylestream_events_resent_total 5.0" in done.stdout
