"""Rankings over HTTP while everything runs: how soon an event in Kafka stands in the API's answer, and how long answers
take at 500 requests a second.

Running: all queries, API, simulator. The load comes from a process of its own, open loop.
"""

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import httpx

from bench import freshness
from bench.http_load import get_open_loop
from bench.open_loop import percentile
from bench.report import Row, row
from bench.stack import Ask, Stack, running_stack
from common.errors import UnavailableError
from local.ready import not_ready

SECTION, REQUESTS_PER_SECOND, TARGET_MS = "rankings", 500, 10
READY_SECONDS = 240


def measure(ask: Ask) -> list[Row]:
    """Rows of this section."""
    rate, probes, seconds, warm = (300, 60, 5, 20) if ask.quick else (1000, 240, 30, 120)
    name = freshness.ranking(ask.config)
    paths = [f"/v1/rankings/{name}", *[f"/v1/rankings/{one.name}" for one in ask.config.rankings.definitions][:3]]
    shop = ["simulate", "--rate", str(rate), "--history-minutes", "0"]
    with running_stack(ask.config, ask.say, ["stream"], ["serve"], shop) as stack:
        address = f"http://127.0.0.1:{stack.config.serving.port}"
        freshness.await_stream(stack)
        stack.wait("the API", lambda: not_ready(address) is None, READY_SECONDS, every=0.5)
        ask.say(f"warming up for {warm} s")
        stack.pause(warm)
        ask.say(f"{REQUESTS_PER_SECOND} requests/s for {seconds} s")
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            answers = process.submit(load, address, paths, seconds).result()
        ask.say(f"{probes} probes")
        times = _probe(stack, address, name, probes)
    if not times:
        raise UnavailableError(f"none of {probes} probes reached the API's answer")
    what = f"rankings, {REQUESTS_PER_SECOND} requests/s while all runs at {rate} events/s"
    return [
        row(SECTION, f"{what}, p50", percentile(answers, 0.5), "ms"),
        row(SECTION, f"{what}, p99", percentile(answers, 0.99), "ms", TARGET_MS),
        *freshness.rows(SECTION, f"Kafka → API's ranking, all running, {rate} events/s", times, probes),
    ]


def _probe(stack: Stack, address: str, name: str, probes: int) -> list[float]:
    with httpx.Client(base_url=address, timeout=30) as client:
        path = f"/v1/rankings/{name}?category={freshness.CATEGORY}&limit=1000"

        def stand(items: list[str]) -> list[bool]:
            there = {item["item_id"] for item in client.get(path).raise_for_status().json()["items"]}
            return [item in there for item in items]

        return freshness.probe(stack, probes, stand)


def load(address: str, paths: list[str], seconds: float) -> list[float]:
    """Milliseconds of each answer; runs in a process of its own."""
    return asyncio.run(get_open_loop(address, paths, REQUESTS_PER_SECOND, seconds))
