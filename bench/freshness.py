"""How soon an event that enters Kafka stands in its ranking in Redis, while the simulator sends others.

A probe is one view of an item of its own in category 'probe'; its time counts from handing it to the producer
until the ranking has it. Probes are sent on time whether the last has arrived or not. The stream runs for two minutes
before: a JVM takes as long to compile what seldom runs (docs/adr/0012).
"""

import time
import uuid
from collections.abc import Callable

import orjson
from confluent_kafka import Producer

from bench.open_loop import percentile
from bench.report import Row, row
from bench.stack import Ask, Stack, running_stack
from common.config import Config
from common.errors import ConfigError, UnavailableError
from common.kafka_client import producer_settings
from common.keys import Keys, member
from common.redis_client import redis_target
from common.validate import rfc3339

SECTION, CATEGORY = "freshness", "probe"
EVERY_SECONDS, LOOK_SECONDS, LOST_SECONDS = 0.25, 0.005, 30.0


def measure(ask: Ask) -> list[Row]:
    """Rows of this section."""
    rate, probes, warm = (300, 60, 15) if ask.quick else (1000, 240, 120)
    name = ranking(ask.config)
    sender = ["simulate", "--rate", str(rate), "--history-minutes", "0"]
    with running_stack(ask.config, ask.say, ["stream", "facts"], sender) as stack:
        await_stream(stack)
        ask.say(f"warming up for {warm} s, then {probes} probes")
        stack.pause(warm)
        key = Keys(stack.config.redis.prefix).ranking(name, CATEGORY)
        with redis_target(stack.config).connect() as connection:

            def stand(items: list[str]) -> list[bool]:
                return [score is not None for score in connection.zmscore(key, [member(CATEGORY, i) for i in items])]

            times = probe(stack, probes, stand)
    if not times:
        raise UnavailableError(f"none of {probes} probes reached the ranking {name} in {LOST_SECONDS:.0f} s")
    return rows(SECTION, f"Kafka → ranking, {rate} events/s", times, probes)


def rows(section: str, what: str, times: list[float], probes: int) -> list[Row]:
    """The figures of `probe`."""
    return [
        row(section, f"{what}, p50", percentile(times, 0.5), "ms", 200),
        row(section, f"{what}, p95", percentile(times, 0.95), "ms"),
        row(section, f"{what}, p99", percentile(times, 0.99), "ms", 500),
        row(section, f"{what}, worst", max(times), "ms"),
        row(section, "probes that never arrived", probes - len(times), "probes", 0),
    ]


def ranking(config: Config) -> str:
    """The first window ranking that counts views."""
    for one in config.rankings.definitions:
        if one.kind == "window" and one.weights.get("view"):
            return one.name
    raise ConfigError("freshness needs a ranking of kind 'window' with a weight for 'view' in rankings.definitions")


def await_stream(stack: Stack) -> None:
    """Until the query `facts` has had its first micro-batches."""
    key = Keys(stack.config.redis.prefix).progress("facts")
    with redis_target(stack.config).connect() as connection:

        def works() -> bool:
            noted = connection.get(key)
            return noted is not None and orjson.loads(noted)["batch_id"] >= 2

        stack.wait("the stream's first micro-batches", works, 240)


def probe(stack: Stack, probes: int, stand: Callable[[list[str]], list[bool]]) -> list[float]:
    """Milliseconds of each probe that arrived; `stand` says of each item whether it stands in the ranking."""
    producer = Producer(producer_settings(stack.config, linger_ms=0))
    topic = stack.config.topic("behavior")
    times: list[float] = []
    pending: dict[str, float] = {}
    sent, begun = 0, time.perf_counter()
    while pending or sent < probes:
        if sent < probes and time.perf_counter() >= begun + sent * EVERY_SECONDS:
            item = f"probe-{uuid.uuid4().hex[:12]}"
            pending[item] = time.perf_counter()
            producer.produce(topic, _view(item), key=item)
            sent += 1
            if not sent % 40:
                stack.check()
                stack.say(f"{sent} of {probes} probes sent")
        producer.poll(0)
        items = list(pending)
        arrived = stand(items) if items else []
        now = time.perf_counter()
        for item, there in zip(items, arrived, strict=True):
            if there:
                times.append((now - pending.pop(item)) * 1000)
            elif now - pending[item] > LOST_SECONDS:
                del pending[item]
        time.sleep(LOOK_SECONDS)
    return times


def _view(item: str) -> bytes:
    event = {
        "event_id": item,
        "event_type": "view",
        "event_time": rfc3339(time.time_ns() // 1_000_000),
        "user_id": item,
        "item_id": item,
        "category": CATEGORY,
    }
    return orjson.dumps(event)
