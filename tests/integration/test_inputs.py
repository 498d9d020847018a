"""Inputs against a real Kafka: what is sent arrives, keyed and in order. When it is sent: tests/unit/test_send.py."""

import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest
import yaml
from kafka import KafkaConsumer

from common.config import Config
from common.errors import UnavailableError
from common.kafka_client import kafka_python_settings
from local.produce import Message, send
from local.simulator import run
from local.simulator.scenario import Scenario

START_MS = 1_760_000_000_000
Found = tuple[str, str, bytes]  # topic, key, value
HANGS = 300.0  # seconds; on a busy machine all may take long


def arrived(config: Config, topics: tuple[str, ...], wanted: int) -> list[Found]:
    """At least `wanted` records from the beginning of the topics, each partition's in order."""
    names = {config.topic(topic): topic for topic in topics}
    consumer = KafkaConsumer(*names, auto_offset_reset="earliest", **kafka_python_settings(config))
    found: list[Found] = []
    deadline = time.monotonic() + HANGS
    try:
        while len(found) < wanted and time.monotonic() < deadline:
            for records in consumer.poll(timeout_ms=500).values():
                found += [(names[r.topic], r.key.decode(), r.value) for r in records]
    finally:
        consumer.close()
    return found


def command(config: Config, folder: Path, *arguments: str) -> list[str]:
    """The command line for a process of its own on this test's Kafka."""
    file = folder / "own.yaml"
    kafka = {"topic_prefix": config.kafka.topic_prefix, "partitions": config.kafka.partitions}
    file.write_text(yaml.safe_dump({"state_dir": config.state_dir, "kafka": kafka}))
    return [sys.executable, "-m", "cli.main", *arguments, "--conf", str(file)]


def test_simulated_messages_arrive_with_their_keys(config: Config) -> None:
    small = dataclasses.replace(config.simulator, users=50, items=40, rate=1000, history_minutes=1)
    config = dataclasses.replace(config, simulator=small)
    made = list(run.messages(run.build(config, Scenario(), "r"), START_MS, run.Length(messages=500)))
    report = send(config, iter(made), run.TOPICS)
    assert (report.sent, report.acked, report.failed) == (len(made), len(made), 0)
    found = arrived(config, run.TOPICS, len(made))
    assert sorted(found) == sorted(m[1:] for m in made)
    for topic, key, value in found:
        if topic == "catalog":
            assert orjson.loads(value)["after"]["item_id"] == key
        elif topic != "logs" and value.endswith(b"}"):
            event = orjson.loads(value)
            assert key == event.get("user_id", event.get("session_id"))


def test_messages_with_one_key_keep_their_order(config: Config) -> None:
    made = [Message(0.0, "behavior", f"u{n % 7}", str(n).encode()) for n in range(2000)]
    send(config, made, ("behavior",))
    by_key: dict[str, list[int]] = {}
    for _, key, value in arrived(config, ("behavior",), len(made)):
        by_key.setdefault(key, []).append(int(value))
    assert by_key == {f"u{n}": list(range(n, 2000, 7)) for n in range(7)}


def test_an_absent_broker_and_an_absent_topic_are_one_line(config: Config) -> None:
    nowhere = dataclasses.replace(config, kafka=dataclasses.replace(config.kafka, bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1 does not answer"):
        send(nowhere, [], ("behavior",))
    other = dataclasses.replace(config, kafka=dataclasses.replace(config.kafka, topic_prefix="absent."))
    with pytest.raises(UnavailableError, match=r"no topic absent\.behavior: run 'stylestream topics'"):
        send(other, [], ("behavior",))


def test_the_simulator_ends_cleanly_on_sigterm_and_writes_its_truth(config: Config, tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    arguments = ["simulate", "--rate", "500", "--history-minutes", "0", "--truth", str(truth)]
    process = subprocess.Popen(command(config, tmp_path, *arguments), stderr=subprocess.PIPE, text=True)
    try:
        assert len(arrived(config, ("behavior",), 300)) >= 300
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=HANGS)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert said.strip().splitlines()[-1].startswith("sent ")
    assert sum(orjson.loads(truth.read_bytes())["events"].values()) >= 300


def test_a_data_set_is_replayed_by_the_command(config: Config, tmp_path: Path) -> None:
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    lines = [f"{n},i{n % 9},THING,1,2010-12-01 08:{n % 60:02d},2.5,{n % 5},UK" for n in range(600)]
    file = tmp_path / "retail.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    arguments = command(config, tmp_path, "replay", "--dataset", "online-retail", str(file))
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=HANGS, check=False)
    assert done.returncode == 0, done.stderr
    found = arrived(config, ("behavior", "catalog"), 609)
    assert len(found) == 609
    times = {}
    for topic, key, value in found:
        if topic == "behavior":
            times.setdefault(key, []).append(orjson.loads(value)["event_time"])
    assert all(seen == sorted(seen) for seen in times.values())
    assert set(times) == set("01234")
