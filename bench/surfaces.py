"""How fast the recommendation surfaces answer: each at a fixed rate, and a cart_add until the related items after it.

For users the live model knows where there are any; items are those of the popular ranking. Open loop, as in
`bench.serving`, which runs this in its load process.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timezone
from urllib.parse import quote

from bench.http_load import Connections
from bench.open_loop import open_loop, percentile
from bench.report import Row, row

RATE, CARTS_PER_SECOND = 200, 20
TARGET, CART_TARGET = 20.0, 150.0  # milliseconds, p99
WARM_SECONDS = 2.0
OF_A_USER, OF_AN_ITEM = ("for-you", "now", "trending"), ("related", "similar")
Times = dict[str, list[float]]


async def measure(api: Connections, users: Sequence[str], items: Sequence[str], seconds: float) -> Times:
    """Milliseconds of every answer by surface, and of `cart` pairs; `seconds` for each."""
    times: Times = {}
    for surface in (*OF_A_USER, *OF_AN_ITEM):

        async def one(number: int, surface: str = surface) -> None:
            user, item = (quote(names[number % len(names)], safe="") for names in (users, items))
            path = f"/v1/users/{user}/recommendations/{surface}?limit=20"
            if surface in OF_AN_ITEM:
                path = f"/v1/items/{item}/{surface}?user_id={user}&limit=20"
            await api.get(path)

        await open_loop(RATE, WARM_SECONDS, one)
        times[surface] = await open_loop(RATE, seconds, one)

    async def cart(number: int) -> None:
        user, item = users[number % len(users)], items[number % len(items)]
        await api.post("/v1/events", _cart_add(user, item))
        await api.get(f"/v1/items/{quote(item, safe='')}/related?user_id={quote(user, safe='')}")

    times["cart"] = await open_loop(CARTS_PER_SECOND, seconds, cart)
    return times


def rows(section: str, times: Times) -> list[Row]:
    """Median and 99th percentile of each."""
    found = []
    for name, values in times.items():
        target = CART_TARGET if name == "cart" else TARGET
        what = f"cart_add → related, {CARTS_PER_SECOND} pairs/s" if name == "cart" else f"{name}, {RATE} requests/s"
        found.append(row(section, f"{what} p50", percentile(values, 0.5), "ms"))
        found.append(row(section, f"{what} p99", percentile(values, 0.99), "ms", target))
    return found


def _cart_add(user: str, item: str) -> dict[str, str]:
    return {
        "event_id": uuid.uuid4().hex,
        "event_type": "cart_add",
        "event_time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "user_id": user,
        "item_id": item,
    }
