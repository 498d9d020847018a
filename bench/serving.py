"""How fast a running platform answers: a click until the refreshed For You, rankings, surfaces, searches under load.

Needs the API at serving.host:serving.port with rankings in it (`make demo`); BENCH_API_KEY where keys are
configured. Users are ones the live model knows, else new ones. The load runs in a process of its own.
"""

import asyncio
import itertools
import multiprocessing
import os
import uuid
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from urllib.parse import quote

import httpx
import orjson

from bench import searches, surfaces
from bench.http_load import Connections, connections
from bench.open_loop import open_loop, percentile
from bench.report import Row, row
from common.config import Config
from common.endpoints import api_address
from common.errors import UnavailableError
from common.keys import Keys
from common.redis_client import redis_target

PAIRS_PER_SECOND, RANKINGS_PER_SECOND = 20, 200
TOP = 20
SECTION = "serving"


@dataclass
class Load:
    """What the load process needs; `current` is the category each user views, `pairs` what came of the
    clicks: (item, list before, list after)."""

    address: str
    users: list[str]
    items: dict[str, str]  # item → category
    seconds: float
    current: dict[str, str] = field(default_factory=dict)
    pairs: list[tuple[str, list[str], list[str]]] = field(default_factory=list)


def run(config: Config, quick: bool) -> list[Row]:
    """Rows of section `serving`; `UnavailableError` when the API isn't up or has no ranking yet."""
    address = api_address(config.serving)
    users = _known_users(config) or [f"bench-{uuid.uuid4().hex[:8]}-{n}" for n in range(100)]
    load = Load(address, users, _ranked_items(address), 5 if quick else 30)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        clicks, rankings, moved, times, searched = process.submit(_drive, load).result()
    return [
        row(SECTION, f"click → For You p50, {PAIRS_PER_SECOND} pairs/s", percentile(clicks, 0.5), "ms"),
        row(SECTION, f"click → For You p99, {PAIRS_PER_SECOND} pairs/s", percentile(clicks, 0.99), "ms", 100),
        row(SECTION, "clicked category moved up in For You", moved, "share", 1, least=True),
        row(SECTION, f"rankings p50, {RANKINGS_PER_SECOND} requests/s", percentile(rankings, 0.5), "ms"),
        row(SECTION, f"rankings p99, {RANKINGS_PER_SECOND} requests/s", percentile(rankings, 0.99), "ms"),
        *surfaces.rows(SECTION, times),
        *searches.rows(SECTION, searched),
    ]


def _headers() -> dict[str, str]:
    return {"X-API-Key": os.environ["BENCH_API_KEY"].rstrip("\r\n")} if "BENCH_API_KEY" in os.environ else {}


def _ranked_items(address: str) -> dict[str, str]:
    try:
        answer = httpx.get(f"{address}/v1/rankings/popular?limit=200", headers=_headers()).raise_for_status()
    except httpx.HTTPError as error:
        raise UnavailableError(f"no API at {address} ({error}): start it, e.g. with 'make demo'") from None
    items = {item["item_id"]: item["category"] for item in answer.json()["items"] if item["category"]}
    if len(set(items.values())) < 2:
        raise UnavailableError("the popular ranking has fewer than two categories yet: let events flow first")
    return items


def _known_users(config: Config, most: int = 100) -> list[str]:
    """Users with candidates of the live model."""
    keys = Keys(config.redis.prefix)
    with redis_target(config).connect() as connection:
        version = connection.get(keys.live_model)
        if version is None:
            return []
        start, end = keys.candidates(version.decode(), "\x00").split("\x00")
        found = itertools.islice(connection.scan_iter(match=f"{start}*{end}", count=1000), most)
        return [key.decode().removeprefix(start).removesuffix(end) for key in found]


def _drive(load: Load) -> tuple[list[float], list[float], float, surfaces.Times, searches.Times]:
    return asyncio.run(_measure(load))


async def _measure(load: Load) -> tuple[list[float], list[float], float, surfaces.Times, searches.Times]:
    async with connections(load.address, _headers()) as api:
        load.current |= {user: await _viewed(api, user) for user in load.users}
        await open_loop(PAIRS_PER_SECOND, 2, lambda number: _click(api, load, number))
        before = [await _for_you(api, user) for user in load.users]
        latest = dict(zip(load.users, before, strict=True))

        async def pair(number: int) -> None:
            user, item, after = await _click(api, load, number)
            load.pairs.append((item, latest[user], after))
            latest[user] = after

        async def ranking(number: int) -> None:
            await api.get(f"/v1/rankings/{('views-1h', 'popular')[number % 2]}")

        await open_loop(PAIRS_PER_SECOND, 1, ranking)
        clicks = await open_loop(PAIRS_PER_SECOND, load.seconds, pair)
        rankings = await open_loop(RANKINGS_PER_SECOND, load.seconds, ranking)
        moved = await _moved(api, load)
        times = await surfaces.measure(api, load.users, list(load.items), load.seconds / 2)
        searched = await searches.measure(api, load.seconds)
    return clicks, rankings, moved, times, searched


async def _click(api: Connections, load: Load, number: int) -> tuple[str, str, list[str]]:
    """One click in another category than the one the user views, and the list right after it."""
    user = load.users[number % len(load.users)]
    categories = sorted(set(load.items.values()) - {load.current[user]})
    category = load.current[user] = categories[number % len(categories)]
    item = next(item for item, of in load.items.items() if of == category)
    event = {
        "event_id": uuid.uuid4().hex,
        "event_type": "click",
        "event_time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "user_id": user,
        "item_id": item,
        "category": category,
    }
    answer = await api.post("/v1/events", event)
    if orjson.loads(answer)["accepted"] != 1:
        raise UnavailableError(f"the collector refused a click: {answer.decode()}")
    return user, item, await _for_you(api, user)


async def _for_you(api: Connections, user: str) -> list[str]:
    answer = await api.get(f"/v1/users/{quote(user, safe='')}/recommendations/for-you?limit={TOP}")
    return [item["item_id"] for item in orjson.loads(answer)["items"]]


async def _viewed(api: Connections, user: str) -> str:
    """The category a user views."""
    return orjson.loads(await api.get(f"/v1/users/{quote(user, safe='')}/profile"))["current_category"] or ""


async def _moved(api: Connections, load: Load) -> float:
    """Share of the pairs after which the clicked category stands higher (or has the whole list already)."""
    categories = dict(load.items)
    for item in {item for _, *lists in load.pairs for items in lists for item in items} - categories.keys():
        categories[item] = orjson.loads(await api.get(f"/v1/items/{quote(item, safe='')}"))["category"] or ""

    def weight(items: list[str], category: str) -> float:
        return sum(1 / rank for rank, item in enumerate(items, start=1) if categories[item] == category)

    def moved(item: str, before: list[str], after: list[str]) -> bool:
        category = categories[item]
        all_of_it = all(categories[one] == category for one in after)
        return all_of_it or weight(after, category) > weight(before, category)

    return sum(moved(*pair) for pair in load.pairs) / len(load.pairs)
