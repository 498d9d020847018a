"""A shop with a past: simulated, worked off by the stream, with every model that serving uses trained on it once."""

from collections.abc import Iterator

import orjson

from bench.stack import Stack
from common.keys import Keys
from common.redis_client import redis_target
from local.produce import Message, send
from local.simulator.run import TOPICS, Length, messages
from local.simulator.simulation import Simulation
from local.streams import stream_commands

JOBS = ("als", "sessions", "related", "ctr")
WAIT_SECONDS = 1800  # a job takes half a minute, but much longer on a busy machine


def with_past(stack: Stack, simulation: Simulation) -> set[str]:
    """Sends the past, starts the stream, and runs `JOBS` when it has been worked off; the shoppers that were in it."""
    met = _past(stack, simulation)
    for job in JOBS:
        stack.run("batch", job, seconds=WAIT_SECONDS)
    return met


def _past(stack: Stack, simulation: Simulation) -> set[str]:
    """Sends the past and lets the stream work it off; the shoppers that were in it."""
    met: set[str] = set()

    def noted() -> Iterator[Message]:
        for message in messages(simulation, None, Length(messages=0)):
            if message.topic == "behavior":
                met.add(message.key)
            yield message

    stack.say(f"a past of {simulation.history_events():,} events")
    send(stack.config, noted(), TOPICS)
    for arguments in stream_commands(stack.config.streaming.queries).values():
        stack.start(*arguments)
    keys = [Keys(stack.config.redis.prefix).progress(name) for name in stack.config.streaming.queries]
    with redis_target(stack.config).connect() as connection:

        def worked_off() -> bool:
            reports = [orjson.loads(found) if (found := connection.get(key)) else None for key in keys]
            return all(said and said["batch_id"] >= 0 and said["backlog"] == 0 for said in reports)

        stack.wait("the stream to work off the past", worked_off, WAIT_SECONDS)
    return met
