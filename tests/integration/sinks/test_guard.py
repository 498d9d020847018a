"""A collector that dies between the guard of an event and Kafka's acknowledgement loses nothing and doubles nothing."""

import contextlib
import dataclasses
import select
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
import redis

from common.config import Config
from common.keys import Keys
from serving import guard
from serving.guard import DONE, PENDING, Guard
from serving.producer import AckProducer, Message, Sent
from tests.conftest import fresh
from tests.event_factory import event
from tests.integration.conftest import served
from tests.integration.topic_reader import records
from tests.platform import wait_for

WAIT = 2.0  # seconds that a dead collector's guard stands here


@pytest.fixture
def config(platform: Config, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(guard, "PENDING_EXTRA_SECONDS", 0)
    own = fresh(platform, tmp_path_factory.mktemp("guard"))
    return dataclasses.replace(own, serving=dataclasses.replace(own.serving, ack_timeout_seconds=WAIT))


def produced(config: Config, event_id: str) -> int:
    return sum(value["event_id"] == event_id for _, value in records(config, "behavior"))


def claim(config: Config, client: redis.Redis, event_id: str) -> bool:
    """As a collector that dies right after it."""
    pipe = client.pipeline(transaction=False)
    name = Guard(Keys(config.redis.prefix), config.serving.ack_timeout_seconds).claim(pipe, [event_id])
    return event_id in Guard.claimed([event_id], name, pipe.execute())[0]


def test_an_event_whose_collector_died_gets_through_after_the_pending_time_and_counts_once(
    config: Config, api: httpx.Client, redis_conn: redis.Redis
) -> None:
    sent = event()
    key = Keys(config.redis.prefix).seen(sent["event_id"])
    assert claim(config, redis_conn, sent["event_id"])
    assert 0 < redis_conn.pttl(key) <= WAIT * 1000
    assert not claim(config, redis_conn, sent["event_id"])
    wait_for("the guard of the dead is gone", lambda: not redis_conn.exists(key))
    assert [api.post("/v1/events", json=sent).status_code for _ in range(3)] == [202] * 3
    assert produced(config, sent["event_id"]) == 1
    assert redis_conn.get(key) == DONE
    assert 3500 < redis_conn.ttl(key) <= 3600


def test_while_the_guard_stands_the_event_is_neither_produced_nor_called_accepted(
    config: Config, redis_conn: redis.Redis
) -> None:
    patient = dataclasses.replace(config, serving=dataclasses.replace(config.serving, ack_timeout_seconds=600.0))
    sent, other = event(), event()
    assert claim(patient, redis_conn, sent["event_id"])
    with served(patient) as api:
        assert api.post("/v1/events", json={"events": [sent, other]}).status_code == 503
        assert (produced(patient, sent["event_id"]), produced(patient, other["event_id"])) == (0, 1)
        assert redis_conn.get(Keys(patient.redis.prefix).seen(sent["event_id"])).startswith(PENDING)
        redis_conn.delete(Keys(patient.redis.prefix).seen(sent["event_id"]))  # its time is over
        assert api.post("/v1/events", json={"events": [sent, other]}).json() == {"accepted": 2, "rejected": []}
    assert (produced(patient, sent["event_id"]), produced(patient, other["event_id"])) == (1, 1)


def test_a_request_that_ends_inside_kafkas_wait_leaves_a_guard_that_goes_by_itself(
    config: Config, api: httpx.Client, redis_conn: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(_: AckProducer, messages: Sequence[Message]) -> Sent:
        if messages:
            raise RuntimeError
        return Sent()

    sent = event()
    key = Keys(config.redis.prefix).seen(sent["event_id"])
    with monkeypatch.context() as patched:
        patched.setattr(AckProducer, "send", dies)
        assert api.post("/v1/events", json=sent).status_code == 500
    assert (redis_conn.get(key) or PENDING).startswith(PENDING)  # None where the machine was slow: it goes by itself
    wait_for("accepted", lambda: api.post("/v1/events", json=sent).status_code == 202)
    assert produced(config, sent["event_id"]) == 1


def test_what_kafka_has_not_taken_is_free_at_once(
    config: Config, api: httpx.Client, redis_conn: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def takes_nothing(*_: Any) -> Sent:
        return Sent()

    sent = event()
    with monkeypatch.context() as patched:
        patched.setattr(AckProducer, "send", takes_nothing)
        assert api.post("/v1/events", json=sent).status_code == 503
    assert not redis_conn.exists(Keys(config.redis.prefix).seen(sent["event_id"]))
    assert api.post("/v1/events", json=sent).status_code == 202
    assert produced(config, sent["event_id"]) == 1


def test_a_connection_that_breaks_after_redis_has_guarded_costs_no_second_try(
    config: Config, redis_conn: redis.Redis
) -> None:
    sent = event()
    to = (redis_conn.connection_pool.connection_kwargs["host"], redis_conn.connection_pool.connection_kwargs["port"])
    with cutting(to, Keys(config.redis.prefix).seen(sent["event_id"]).encode()) as (port, cuts):
        through = dataclasses.replace(config.redis, url=f"redis://127.0.0.1:{port}/0")
        with served(dataclasses.replace(config, redis=through)) as api:
            assert api.post("/v1/events", json=sent).json() == {"accepted": 1, "rejected": []}
    assert (len(cuts), produced(config, sent["event_id"])) == (1, 1)


@contextlib.contextmanager
def cutting(to: tuple[str, int], about: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A port before Redis that hands on all, but once, in the answer to what is `about` this, breaks the connection."""
    cuts: list[bytes] = []

    class Through(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(to) as redis_side, contextlib.suppress(OSError):
                while True:
                    for ready in select.select([self.request, redis_side], [], [])[0]:
                        part = ready.recv(65_536)
                        if not part:
                            return
                        if ready is self.request and about in part and not cuts:
                            cuts.append(part)
                            redis_side.sendall(part)
                            redis_side.recv(65_536)
                            return
                        (redis_side if ready is self.request else self.request).sendall(part)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Through) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], cuts
        finally:
            server.shutdown()
