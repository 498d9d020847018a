"""How many events a second the query `facts` takes from Kafka to Redis.

Kafka is loaded first (Online Retail's file when there is one, else the simulator); then `stylestream stream
facts` alone works it off. Its micro-batches come from the progress it notes in Redis about every 2 s.

The file is loaded `PASSES` times, a year later and with other event ids each time: its 541,909 events last about as
long as the JVM takes to compile what runs. Steady are the micro-batches that begin after the first pass.
"""

import dataclasses
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson
from kafka import KafkaConsumer, TopicPartition

from bench.report import Row, row
from bench.stack import Ask, Stack, running_stack
from common.config import Config
from common.errors import ConfigError, UnavailableError
from common.kafka_client import kafka_python_settings
from common.keys import Keys
from common.redis_client import redis_target
from common.views.actions import MINUTE_MS
from local.datasets import WATERMARK, load
from local.datasets.replay import messages
from local.datasets.source import Dataset
from local.produce import Message, send

SECTION, DATASET, FILE = "throughput", "online-retail", "online_retail.parquet"
TARGET = 30_000
LONGEST_SECONDS = 900
PASSES = 3


@dataclass(frozen=True)
class Batch:
    """One micro-batch as noted: rows taken, milliseconds it took and those of each phase."""

    number: int
    rows: int
    ms: float
    phases: dict[str, float]
    noted_ms: float


def measure(ask: Ask) -> list[Row]:
    """Rows of this section."""
    file = data_file(ask)
    config = ask.config
    if file is not None:  # a file is replayed as Stylestream's own demo does it (local/inputs.py)
        own = {"watermark": WATERMARK[DATASET], "max_offsets_per_trigger": 500_000, "redis_rows_per_call": 20_000}
        streaming = dataclasses.replace(config.streaming, **own)  # type: ignore[arg-type]
        config = dataclasses.replace(config, streaming=streaming)
    with running_stack(config, ask.say) as stack:
        passes = _load(stack, file, ask.quick)
        total = _recorded(stack.config)
        ask.say(f"Kafka holds {total:,} events for the query")
        began = time.monotonic()
        stack.start("stream", "facts")
        batches = _watch(stack)
        seconds = time.monotonic() - began
    taken = sum(batch.rows for batch in batches)
    if taken != total:  # a micro-batch went unnoted, or rows were read twice, or somebody else sent events
        ask.say(f"DOUBTFUL: the micro-batches noted took {taken:,} events, Kafka held {total:,}")
    return [
        *rates(batches, total, total // passes),
        row(SECTION, "from start of the command until all is in Redis", seconds, "s"),
    ]


def data_file(ask: Ask) -> Path | None:
    """The file to replay: the one given, or that in the folder STYLESTREAM_DATA; None without one."""
    folder = os.environ.get("STYLESTREAM_DATA")
    file = ask.data or (Path(folder) / FILE if folder else None)
    if file is None or file.is_file():
        return file
    if ask.data is not None:
        raise ConfigError(f"--data {file}: no such file")
    return None


def rates(batches: list[Batch], total: int, warm: int = 0) -> list[Row]:
    """The figures of these micro-batches; when some are missing, by the time between two notes.

    `total` counts by Kafka's offsets before the query started; what the query says it took should be the same.
    Steady are the micro-batches after the first that begin when `warm` events have been taken.
    """
    first, last = batches[0], batches[-1]
    complete = [batch.number for batch in batches] == list(range(len(batches)))
    taken = list(accumulate(batch.rows for batch in batches))
    before = min(next(n for n, rows in enumerate(taken) if rows >= min(warm, taken[-1])), max(len(batches) - 2, 0))
    steady = batches[before + 1 :]
    all_later = sum(batch.ms for batch in batches[1:]) if complete else last.noted_ms - first.noted_ms
    later = sum(batch.ms for batch in steady) if complete else last.noted_ms - batches[before].noted_ms
    work = sum(batch.ms for batch in steady or batches)
    share = sum(batch.phases.get("addBatch", 0) for batch in steady or batches) / work if work else None
    speed = (total - taken[before]) / later * 1000 if later else None
    return [
        row(SECTION, "events, steady micro-batches", speed, "1/s", TARGET, least=True),
        row(SECTION, "events, first micro-batch included", total / (first.ms + all_later) * 1000, "1/s"),
        row(SECTION, "events", total, "events"),
        row(SECTION, "micro-batches", last.number + 1, "batches"),
        row(SECTION, "micro-batches in all", (first.ms + all_later) / 1000, "s"),
        row(SECTION, "time in addBatch (read, aggregate, write to Redis), steady", share, "share"),
    ]


def _load(stack: Stack, file: Path | None, quick: bool) -> int:
    """Loads Kafka; how many times over."""
    if file is None:
        events = "150000" if quick else "1200000"
        stack.run("simulate", "--events", events, "--rate", "1000000", "--history-minutes", "0")
        return 1 if quick else PASSES
    passes = 1 if quick else PASSES
    dataset = load(DATASET, file)
    for number in range(passes):
        send(stack.config, _again(dataset, number), ("behavior", "orders", "catalog"))
    return passes


def _again(dataset: Dataset, number: int) -> Iterator[Message]:
    """The file's events `number` times its length later, each with an id of its own."""
    later = dataset.last_ms + number * (dataset.last_ms - dataset.first_ms + MINUTE_MS)
    for message in messages(dataset, None, later):
        if message.topic != "catalog":
            own = message.value.replace(b'"event_id":"', b'"event_id":"%d-' % number, 1)
            yield message._replace(value=own)


def _recorded(config: Config) -> int:
    """Events in the topics that the query reads."""
    consumer = KafkaConsumer(**kafka_python_settings(config))
    try:
        topics = [config.topic(name) for name in ("behavior", "orders")]
        places = [TopicPartition(topic, p) for topic in topics for p in consumer.partitions_for_topic(topic)]
        return sum(consumer.end_offsets(places).values())
    finally:
        consumer.close()


def _watch(stack: Stack) -> list[Batch]:
    """The micro-batches noted until nothing is left in Kafka."""
    seen: dict[int, Batch] = {}
    key = Keys(stack.config.redis.prefix).progress("facts")

    def worked_off() -> bool:
        noted = connection.get(key)
        if noted is None:
            return False
        report: dict[str, Any] = orjson.loads(noted)
        if report["rows"] and report["batch_id"] not in seen:
            batch = seen[report["batch_id"]] = _batch(report)
            stack.say(f"micro-batch {batch.number}: {batch.rows:,} events in {batch.ms / 1000:.1f} s")
        return bool(report["batch_id"] >= 0 and report["backlog"] == 0)

    with redis_target(stack.config).connect() as connection:
        stack.wait("the query to work off its events", worked_off, LONGEST_SECONDS, every=0.2)
    if not seen:
        raise UnavailableError("the query noted no micro-batch with events")
    return list(seen.values())


def _batch(report: dict[str, Any]) -> Batch:
    phases = report["phases_ms"]
    return Batch(report["batch_id"], report["rows"], report["batch_ms"], phases, report["written_at_ms"])
