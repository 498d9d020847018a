"""Open-loop load: each call has its due time, and its latency counts from there, late start included.

A closed loop waits for the slow answer before it asks again and so never sees the queue that users see
(coordinated omission).
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence

Call = Callable[[int], Awaitable[object]]


async def open_loop(rate: float, seconds: float, call: Call) -> list[float]:
    """Milliseconds of each call, `rate` a second for `seconds`; `call` gets its number. Errors propagate."""
    begun = time.perf_counter() + 0.05

    async def one(number: int) -> float:
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await call(number)
        return (time.perf_counter() - due) * 1000

    return list(await asyncio.gather(*(one(number) for number in range(int(rate * seconds)))))


def percentile(values: Sequence[float], share: float) -> float:
    """The least value at or below which lies `share` of them (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
