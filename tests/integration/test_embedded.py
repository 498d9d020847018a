"""The embedded servers: up, noticed when killed, back on the same data, and nothing left after down."""

import dataclasses
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import redis
from click.testing import CliRunner
from kafka import KafkaConsumer, KafkaProducer

from cli.main import stylestream
from common.config import Config
from common.endpoints import endpoints_file, kafka_servers, redis_url
from common.errors import UnavailableError
from local import embedded, reach
from local.embedded import State, crashed, down, log_file, states, up
from local.process import wait_until
from local.topics import create_topics
from tests.conftest import for_tests

# Those of the whole run are up and have the usual ports: of two that start at once both would choose them.
pytestmark = pytest.mark.usefixtures("platform")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Config]:
    config = for_tests(tmp_path)
    yield config
    down(config, print)


def kill(config: Config, name: str) -> State:
    state = next(state for state in states(config) if state.name == name)
    psutil.Process(state.process.pid).send_signal(signal.SIGKILL)
    assert wait_until(lambda: not state.alive, 10)
    return state


def sent(config: Config) -> list[bytes]:
    settings = {"auto_offset_reset": "earliest", "consumer_timeout_ms": 10_000}
    consumer = KafkaConsumer(config.topic("behavior"), bootstrap_servers=kafka_servers(config), **settings)
    try:
        return [next(consumer).value]
    finally:
        consumer.close()


def test_servers_survive_kill_and_leave_nothing_after_down(own: Config) -> None:
    assert up(own, print) == ["kafka", "redis"]
    first = states(own)
    create_topics(own)
    producer = KafkaProducer(bootstrap_servers=kafka_servers(own))
    producer.send(own.topic("behavior"), b"kept").get(10)
    producer.close()
    redis.Redis.from_url(redis_url(own)).set("kept", "yes")
    lines: list[str] = []
    assert up(own, lines.append) == []
    assert ["already up" in line for line in lines] == [True, True]

    at = kill(own, "kafka").address
    assert [state.name for state in crashed(own)] == ["kafka"]
    said = status(own)
    assert said[0] == 4 and "stopped unexpectedly" in said[1]
    assert up(own, print) == ["kafka"]
    assert kafka_servers(own) == at
    assert sent(own) == [b"kept"]
    log = log_file(own, "kafka")
    assert "started" in log.with_name("kafka.log.1").read_text()  # the killed one's, in which its end would stand

    down(own, print)
    assert up(own, print) == ["kafka", "redis"]
    assert redis.Redis.from_url(redis_url(own)).get("kept") == b"yes"
    assert all(not topic.created for topic in create_topics(own))
    last = states(own)
    down(own, print)
    assert not any(state.alive for state in (*first, *last))
    assert not endpoints_file(own.state_dir).exists()
    with pytest.raises(UnavailableError, match="stylestream up"):
        kafka_servers(own)


def test_a_server_that_cannot_start_again_takes_neither_the_others_nor_its_own_address(
    own: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(own, print)
    before = {state.name: state.address for state in states(own)}
    for name in before:
        kill(own, name)

    def fails(*_: object) -> Any:
        raise UnavailableError("no room")

    kafka, server = embedded.SERVERS
    with monkeypatch.context() as patch:
        patch.setattr(embedded, "SERVERS", (kafka, dataclasses.replace(server, launch=fails)))
        with pytest.raises(UnavailableError, match="no room"):
            up(own, print)
    noted = {state.name: state for state in states(own)}
    assert noted["kafka"].alive
    assert (noted["redis"].address, noted["redis"].alive) == (before["redis"], False)
    assert up(own, print) == ["redis"]
    (state,) = [state for state in states(own) if state.name == "redis"]
    psutil.Process(state.process.pid).suspend()
    timer = threading.Timer(3, psutil.Process(state.process.pid).resume)
    timer.start()
    assert up(own, print) == []  # it was only busy
    timer.join()
    assert {state.name: state.process for state in states(own)}["redis"] == state.process


def test_another_server_at_the_port_is_not_taken_for_ours(
    own: Config, platform: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where two commands look for a free port in the same instant."""
    others = [kafka_servers(platform), redis_url(platform)]
    ports = {9092: int(others[0].rpartition(":")[2]), 6379: urlsplit(others[1]).port}
    monkeypatch.setattr(embedded, "choose_port", lambda *usual: ports[usual[-1]])
    assert up(own, print) == ["kafka", "redis"]
    assert kafka_servers(own) not in others
    assert redis_url(own) not in others
    assert all(topic.created for topic in create_topics(own))


def test_a_state_folder_may_hold_any_signs(tmp_path: Path) -> None:
    state, link = tmp_path / "\ud55c \uae00, 50%#\\x", tmp_path / "link"
    state.mkdir()
    link.symlink_to(state)
    config = dataclasses.replace(for_tests(tmp_path), state_dir=str(link))
    try:
        assert up(config, print) == ["kafka", "redis"]
        assert redis.Redis.from_url(redis_url(config)).set("kept", "yes")
        assert (state / "kafka" / "data" / "meta.properties").is_file()
        assert any((state / "redis").iterdir())
        assert "started" in (state / "logs" / "kafka.log").read_text()
    finally:
        down(config, print)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", state.name]  # nothing went elsewhere


def status(config: Config) -> tuple[int, str]:
    result = CliRunner().invoke(stylestream, ["status"], env={"STYLESTREAM_STATE_DIR": config.state_dir})
    return result.exit_code, result.output


def test_a_process_number_used_again_is_not_taken_for_ours(own: Config) -> None:
    file = endpoints_file(own.state_dir)
    file.parent.mkdir(parents=True)
    note = {"redis": "redis://127.0.0.1:1/0", "processes": {"redis": {"pid": os.getpid(), "created": 1.0}}}
    file.write_text(json.dumps(note))
    assert [state.name for state in crashed(own)] == ["redis"]
    down(own, print)  # would have ended this test
    assert not file.exists()


def test_given_servers_are_not_started_but_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "KAFKA_MS", 1000)
    env = {
        "STYLESTREAM_STATE_DIR": str(tmp_path),
        "STYLESTREAM_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "STYLESTREAM_REDIS__URL": "redis://:secret@127.0.0.1:1/0",
    }
    result = CliRunner().invoke(stylestream, ["up"], env=env)
    assert isinstance(result.exception, UnavailableError)
    assert "Kafka at 127.0.0.1:1 does not answer" in str(result.exception)
    said = CliRunner().invoke(stylestream, ["status"], env=env)
    assert said.exit_code == 4
    assert "Redis at 127.0.0.1:1/0 does not answer" in said.output and "secret" not in said.output
