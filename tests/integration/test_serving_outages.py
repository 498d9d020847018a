"""The API while Redis is away and back, and as a process: busy port, refusals at start, SIGTERM."""

import asyncio
import dataclasses
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import redis

from common.config import ApiKey, Config
from common.errors import ConfigError, StylestreamError
from common.keys import Keys
from local.process import any_port, wait_until
from serving.app import create_app
from serving.server import listen
from serving.services import connect
from tests.event_factory import event
from tests.integration.conftest import Serve
from tests.integration.own_redis import OwnRedis


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    server = OwnRedis()
    server.start()
    yield server
    server.kill()


def test_redis_killed_is_503_and_back_is_served_again(config: Config, serve: Serve, own_redis: OwnRedis) -> None:
    api = serve(dataclasses.replace(config, redis=dataclasses.replace(config.redis, url=own_redis.url)))
    reads = ("/v1/rankings/popular", "/v1/users/u/profile", "/v1/users/u/recommendations/for-you", "/v1/items/i")
    assert {api.get(path).status_code for path in reads} == {200}
    own_redis.kill()
    for path in reads:
        answer = api.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["error"]["code"] == "unavailable"
    sent = event()
    assert api.post("/v1/events", json=sent).status_code == 503
    assert api.get("/readyz").json()["parts"]["redis"]["ok"] is False
    assert api.get("/healthz").status_code == 200
    own_redis.start()
    assert wait_until(lambda: {api.get(path).status_code for path in reads} == {200}, 5)
    assert api.post("/v1/events", json=sent).status_code == 202


@pytest.mark.parametrize(
    ("refuses", "again", "named"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "its memory is full (maxmemory)"),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "it is a read-only replica"),
    ],
)
def test_a_redis_that_refuses_writes_is_named_and_goes_on_after_the_cure(
    config: Config, serve: Serve, own_redis: OwnRedis, refuses: tuple[str], again: tuple[str], named: str
) -> None:
    api = serve(dataclasses.replace(config, redis=dataclasses.replace(config.redis, url=own_redis.url)))
    connection = redis.Redis.from_url(own_redis.url)
    connection.execute_command(*refuses)
    sent = event()
    for one in (sent, event(category="coats", price=3)):
        answer = api.post("/v1/events", json=one)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["error"]["message"] == f"Redis refuses writes: {named}; try again"
    assert api.get("/v1/rankings/popular").status_code == 200
    ready = api.get("/readyz")
    assert (ready.status_code, ready.json()["parts"]["redis"]["ok"]) == (503, False)
    assert ready.json()["parts"]["redis"]["detail"].startswith(f"answers, but Redis refuses writes: {named}")
    connection.execute_command(*again)
    assert api.post("/v1/events", json=sent).json()["accepted"] == 1
    assert connection.get(Keys(config.redis.prefix).seen(sent["event_id"])) == b"done"
    assert api.get("/readyz").json()["parts"]["redis"]["ok"] is True


def test_a_read_only_answer_drops_its_connection(config: Config, own_redis: OwnRedis) -> None:
    """After a failover the name leads to another server, which only a new connection finds."""
    connection = redis.Redis.from_url(own_redis.url)

    async def clients() -> tuple[int, int]:
        client = connect(dataclasses.replace(config, redis=dataclasses.replace(config.redis, url=own_redis.url)))
        before = await client.client_id()
        connection.replicaof("127.0.0.1", 1)
        with pytest.raises(redis.exceptions.ReadOnlyError):
            await client.set("a", "b")
        pipeline = client.pipeline(transaction=False)
        pipeline.get("a")
        between = await client.client_id()
        pipeline.set("a", "b")
        with pytest.raises(redis.exceptions.ReadOnlyError):
            await pipeline.execute()
        after = await client.client_id()
        await client.aclose()
        return len({before, between, after})

    assert asyncio.run(clients()) == 3


def test_an_open_door_to_the_network_is_refused(config: Config) -> None:
    wide = dataclasses.replace(config.serving, host="0.0.0.0")
    with pytest.raises(ConfigError, match="api_keys"):
        create_app(dataclasses.replace(config, serving=wide))
    keyed = dataclasses.replace(wide, api_keys=[ApiKey("0" * 64, ["read"])])
    create_app(dataclasses.replace(config, serving=keyed))


def test_a_busy_port_is_one_clear_line() -> None:
    for workers in (1, 2):
        with listen("127.0.0.1", 0)[0] as taken, pytest.raises(StylestreamError, match="--port") as error:
            listen("127.0.0.1", taken.getsockname()[1], workers)
        assert "\n" not in str(error.value)
    first, second = listen("127.0.0.1", 0, 2)
    with first, second, pytest.raises(StylestreamError, match="--port"):
        listen("127.0.0.1", first.getsockname()[1], 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_command_serves_and_ends_cleanly_on_sigterm(config: Config, tmp_path: Path, workers: int) -> None:
    port, log = any_port(), tmp_path / "serve.log"
    process = _serve(config, port, log, workers)
    try:
        assert wait_until(lambda: _alive(port) or process.poll() is not None, 30), log.read_text()
        for number in range(20):  # a connection each, to whichever worker takes it
            sent = httpx.post(f"http://127.0.0.1:{port}/v1/events", json=event(event_id=f"e-{number}"))
            assert (sent.status_code, sent.json()["accepted"]) == (202, 1)
        counted = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert re.search(r'^stylestream_events_accepted_total{event_type="\w+"} 20.0$', counted, re.MULTILINE)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
    assert "Traceback" not in log.read_text()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/healthz")


def test_when_a_worker_ends_the_command_ends_with_one_line(config: Config, tmp_path: Path) -> None:
    port, log = any_port(), tmp_path / "serve.log"
    process = _serve(config, port, log, 2)
    try:
        assert wait_until(lambda: _alive(port) or process.poll() is not None, 30), log.read_text()
        workers = [one for one in psutil.Process(process.pid).children() if "spawn_main" in " ".join(one.cmdline())]
        workers[0].kill()
        assert process.wait(timeout=20) == 1
    finally:
        process.kill()
    assert log.read_text().splitlines()[-1].startswith("stylestream: serving process ")
    assert wait_until(lambda: not any(worker.is_running() for worker in workers), 10)


def _serve(config: Config, port: int, log: Path, workers: int) -> "subprocess.Popen[bytes]":
    env = {
        **os.environ,
        "STYLESTREAM_STATE_DIR": config.state_dir,
        "STYLESTREAM_REDIS__PREFIX": config.redis.prefix,
        "STYLESTREAM_KAFKA__TOPIC_PREFIX": config.kafka.topic_prefix,
    }
    command = [sys.executable, "-m", "cli.main", "serve", "--port", str(port), "--workers", str(workers)]
    with log.open("wb") as output:
        return subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT)


def _alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False
