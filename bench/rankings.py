"""Rankings over HTTP while everything runs: how soon an event in Kafka stands in the API's answer, and how long answers
take at 500 requests a second.

Running: all queries, API, simulator. The load comes from a process of its own, open loop. It asks what a shop's pages
ask (`everyday`), beside the demo's rate of events and beside the full one; then for every ranking, corrected ones too,
of all, of each department (a sub-tree) and of each category, at several limits, in a drawn order: different questions
in turn for two seconds, so that none comes again while its answer is kept. The factors of corrected rankings are drawn,
as if the job `corrections` had published them.
"""

import asyncio
import multiprocessing
import random
from concurrent.futures import ProcessPoolExecutor

import httpx
import numpy as np

from batch import corrections
from bench import freshness
from bench.http_load import get_open_loop
from bench.open_loop import percentile
from bench.report import Row, row
from bench.stack import Ask, Stack, running_stack
from common.config import Config
from common.errors import UnavailableError
from common.keys import Keys
from common.models.corrections import HOURS
from common.redis_client import redis_target
from local.ready import not_ready
from local.simulator.catalog import CATEGORIES
from local.streams import stream_commands

SECTION, REQUESTS_PER_SECOND, TARGET_MS = "rankings", 500, 10
CALM = 100  # events a second, as the demo sends them
READY_SECONDS = 240
LIMITS = (5, 10, 20, 50, 100, 200)


def measure(ask: Ask) -> list[Row]:
    """Rows of this section."""
    rate, probes, seconds, warm = (300, 60, 5, 20) if ask.quick else (1000, 240, 30, 120)
    name, asked = freshness.ranking(ask.config), questions(ask.config)
    streams = stream_commands(ask.config.streaming.queries).values()
    with running_stack(ask.config, ask.say, *streams, ["serve"]) as stack:
        calm = stack.start(*_shop(CALM))
        address = f"http://127.0.0.1:{stack.config.serving.port}"
        freshness.await_stream(stack)
        publish_factors(stack.config)
        stack.wait("the API", lambda: not_ready(address) is None, READY_SECONDS, every=0.5)
        usual = _load(stack, address, everyday(), seconds, warm)
        calm.terminate()
        stack.wait("the simulator's end", lambda: calm.poll() is not None, 30)
        stack.start(*_shop(rate))
        busy = _load(stack, address, everyday(), seconds, warm)
        all_asked = _load(stack, address, asked, seconds, 0)
        ask.say(f"{probes} probes")
        times = _probe(stack, address, name, probes)
    if not times:
        raise UnavailableError(f"none of {probes} probes reached the API's answer")
    at = f"{REQUESTS_PER_SECOND} requests/s while all runs at"
    return [
        *_rows(f"the rankings of all and of each category, {at} {CALM} events/s", usual),
        *_rows(f"the same at {rate} events/s", busy),
        *_rows(f"{len(asked)} different rankings, sub-trees and limits in turn, {at} {rate} events/s", all_asked),
        *freshness.rows(SECTION, f"Kafka → API's ranking, all running, {rate} events/s", times, probes),
    ]


def _shop(rate: int) -> tuple[str, ...]:
    return "simulate", "--rate", str(rate), "--history-minutes", "0"


def _load(stack: Stack, address: str, paths: list[str], seconds: float, warm: float) -> list[float]:
    if warm:
        stack.say(f"warming up for {warm:.0f} s")
        stack.pause(warm)
    stack.say(f"{REQUESTS_PER_SECOND} requests/s for {seconds:.0f} s")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(load, address, paths, seconds).result()


def _rows(what: str, times: list[float]) -> list[Row]:
    return [
        row(SECTION, f"{what}, p50", percentile(times, 0.5), "ms"),
        row(SECTION, f"{what}, p99", percentile(times, 0.99), "ms", TARGET_MS),
    ]


def everyday() -> list[str]:
    """What a shop's pages ask: ten places of two rankings, of all and of each category in turn."""
    tops = [f"&category={path}" for path, _, _ in CATEGORIES]
    return [
        f"/v1/rankings/{name}?limit=10{top}" for one in tops for top in ("", one) for name in ("views-1h", "popular")
    ]


def questions(config: Config) -> list[str]:
    """Paths, all different, in an order that is the same each time."""
    rankings = config.rankings
    names = [ranking.name for ranking in rankings.definitions] + [ranking.name for ranking in rankings.corrected]
    categories = [path for path, _, _ in CATEGORIES]
    tops = ["", *sorted({path.partition("/")[0] for path in categories}), *categories]
    asked = [(f"&category={top}" if top else "", name, limit) for top in tops for name in names for limit in LIMITS]
    paths = [f"/v1/rankings/{name}?limit={limit}{category}" for category, name, limit in asked]
    random.Random(1).shuffle(paths)
    return paths


def publish_factors(config: Config) -> None:
    """Factors from 0.5 to 2 for each category and hour: what reading costs depends on their number alone."""
    categories, draw = [path for path, _, _ in CATEGORIES], np.random.default_rng(1)
    fair = 2 ** draw.uniform(-1, 1, (len(categories), HOURS))
    for corrected in config.rankings.corrected:
        corrections.publish(config, "bench", corrected.name, categories, fair, np.ones(HOURS))
    with redis_target(config).connect() as client:
        client.set(Keys(config.redis.prefix).live_corrections, "bench", ex=corrections.TTL_SECONDS)


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
