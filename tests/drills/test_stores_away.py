"""Kafka is killed under load: after two seconds every refusal comes at once, and what was accepted is all there."""

import asyncio
import dataclasses
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import psutil
import pytest

from bench.http_load import Connection, exchange
from bench.open_loop import open_loop
from common.config import Config
from local.embedded import down, states, up
from local.process import any_port
from local.ready import not_ready
from local.topics import create_topics
from tests.conftest import for_tests, fresh
from tests.event_factory import event
from tests.integration.topic_reader import records
from tests.platform import running, wait_for, write_config

RATE, SECONDS, AWAY = 200, 24, (4.0, 14.0)
Answer = tuple[str, float, int, float]  # event id, second sent, status, seconds it took


@pytest.fixture
def config(platform: Config, tmp_path: Path) -> Iterator[Config]:
    """With a Kafka of its own, which may be killed."""
    own = for_tests(tmp_path / "own")
    up(dataclasses.replace(own, redis=platform.redis), print)
    mixed = fresh(dataclasses.replace(platform, state_dir=own.state_dir), tmp_path)
    mixed = dataclasses.replace(
        mixed, kafka=dataclasses.replace(mixed.kafka, bootstrap_servers=states(own)[0].address), redis=platform.redis
    )
    create_topics(mixed)
    yield mixed
    down(own, print)


async def load(address: str) -> list[Answer]:
    """Open loop: a request every 1/`RATE` s on a connection that is free, else on a new one: as many as wait."""
    answers: list[Answer] = []
    free: list[Connection] = []
    host, port = address.removeprefix("http://").split(":")

    async def post(number: int) -> None:
        name, start = f"e-{number}", time.perf_counter()
        body = orjson.dumps(event(event_id=name))
        head = f"POST /v1/events HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection = free.pop() if free else await asyncio.open_connection(host, int(port))
        answered, _ = await exchange(connection, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answers.append((name, start - began, int(answered.split()[1]), time.perf_counter() - start))
        free.append(connection)

    began = time.perf_counter()
    await open_loop(RATE, SECONDS, post)
    for _, writer in free:
        writer.close()
    return answers


def broker(config: Config) -> psutil.Process:
    return psutil.Process(next(state for state in states(config) if state.name == "kafka").process.pid)


def test_while_kafka_is_stopped_refusals_come_at_once_and_what_was_accepted_is_there(
    config: Config, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    port = any_port()
    address = f"http://127.0.0.1:{port}"
    with running(["serve", "--port", str(port)], write_config(config, tmp_path), tmp_path / "serve.log"):
        wait_for("the API", lambda: not_ready(address) != "the API does not answer yet", 60)
        process = broker(config)

        async def away() -> None:
            await asyncio.sleep(AWAY[0])
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(AWAY[1] - AWAY[0])
            process.send_signal(signal.SIGCONT)

        async def both() -> list[Answer]:
            answers, _ = await asyncio.gather(load(address), away())
            return answers

        answers = asyncio.run(both())
    window = [(status, took) for _, sent, status, took in answers if AWAY[0] + 2 < sent < AWAY[1] - 1]
    refused = [took for status, took in window if status == 503]
    accepted = {name for name, _, status, _ in answers if status == 202}
    kept = [value["event_id"] for _, value in records(config, "behavior")]
    p99 = float(np.percentile(refused, 99)) * 1000
    with capfd.disabled():
        print(f"{len(answers)} requests, {len(accepted)} accepted; p99 of {len(refused)} refusals {p99:.1f} ms")
    assert {status for _, _, status, _ in answers} == {202, 503}
    assert len(refused) == len(window) > 0
    assert any(status == 202 for _, sent, status, _ in answers if sent > AWAY[1] + 3)
    assert accepted <= set(kept)
    assert len(kept) == len(set(kept))
    assert p99 < 20
