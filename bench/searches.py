"""How soon trending keywords know a search: posted until `/v1/keywords/trending` counts it, under load.

Open loop: `RATE` searches a second for usual words, and beside them `PROBES` words a second that are new. A new word is
searched by half of its people first; the time is that of the others, from their post to the first answer with all.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from datetime import datetime, timezone

import orjson

from bench.http_load import Connections
from bench.open_loop import open_loop, percentile
from bench.report import Row, row
from common.errors import UnavailableError

RATE, PROBES = 100, 2
PEOPLE, MOST_OFF = 60, 3  # enough to be listed in a shop that is minutes old; Redis counts people within some percent
USUAL = ("coat", "linen shirt", "jeans", "white sneakers", "scarf", "dress", "wool", "boots", "bag", "hat")
TARGET = 200.0  # milliseconds, p99
AGAIN_SECONDS = 0.02
LONGEST_SECONDS = 10.0
Times = list[float]


async def measure(api: Connections, seconds: float) -> Times:
    """Milliseconds from each probe's last search until it was counted."""
    times: Times = []

    async def usual(number: int) -> None:
        await api.post("/v1/events", _search(f"bench-{number % 5000}", USUAL[number % len(USUAL)]))

    async def probe(_number: int) -> None:
        word, *people = (uuid.uuid4().hex[:12] for _ in range(PEOPLE + 1))
        searches = [_search(who, word) for who in people]
        await api.post("/v1/events", {"events": searches[::2]})
        began = time.perf_counter()
        await api.post("/v1/events", {"events": searches[1::2]})
        while await _counted(api, word) < PEOPLE - MOST_OFF:
            if time.perf_counter() > began + LONGEST_SECONDS:
                raise UnavailableError(f"a search was not counted within {LONGEST_SECONDS:.0f} s")
            await asyncio.sleep(AGAIN_SECONDS)
        times.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(open_loop(RATE, seconds, usual), open_loop(PROBES, seconds, probe))
    return times


def rows(section: str, times: Sequence[float]) -> list[Row]:
    """Median and 99th percentile."""
    what = f"search → trending keywords, {RATE} searches/s"
    return [
        row(section, f"{what} p50", percentile(times, 0.5), "ms"),
        row(section, f"{what} p99", percentile(times, 0.99), "ms", TARGET),
    ]


async def _counted(api: Connections, word: str) -> int:
    answer = orjson.loads(await api.get("/v1/keywords/trending?limit=100"))
    return next((found["searches"] for found in answer["keywords"] if found["keyword"] == word), 0)


def _search(who: str, text: str) -> dict[str, str]:
    return {
        "event_id": uuid.uuid4().hex,
        "event_type": "search",
        "event_time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "user_id": who,
        "query": text,
    }
