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
    """Milliseconds of each call, `rate` a second for `seconds`; `call` gets its number. Errors propagate.

    A call is made when it is due: thousands of them asleep from the start would be late themselves.
    """
    begun = time.perf_counter()

    async def one(number: int) -> float:
        await call(number)
        return (time.perf_counter() - begun - number / rate) * 1000

    calls = []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        calls.append(asyncio.ensure_future(one(number)))
    return list(await asyncio.gather(*calls))


def percentile(values: Sequence[float], share: float) -> float:
    """The least value at or below which lies `share` of them (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
