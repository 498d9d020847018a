"""Open-loop load: each call has its due time, and its latency counts from there, late start included.

A closed loop waits for the slow answer before it asks again and so never sees the queue that users see
(coordinated omission).
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence

from common.errors import UnavailableError

Call = Callable[[int], Awaitable[object]]
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]
LONGEST_SECONDS = 60.0


async def open_loop(
    rate: float, seconds: float, call: Call, clock: Clock = time.perf_counter, sleep: Sleep = asyncio.sleep
) -> list[float]:
    """Milliseconds of each call, `rate` a second for `seconds`; `call` gets its number. The first error ends it.

    A call is made when it is due: thousands of them asleep from the start would be late themselves.
    `UnavailableError` when answers are missing `LONGEST_SECONDS` after the last call.
    `sleep` waits by `clock`.
    """
    begun = clock()
    calls: list[asyncio.Future[float]] = []
    failed = asyncio.Event()

    async def one(number: int) -> float:
        try:
            await call(number)
        except BaseException:
            failed.set()
            raise
        return (clock() - begun - number / rate) * 1000

    try:
        for number in range(int(rate * seconds)):
            await sleep(max(0.0, begun + number / rate - clock()))
            if failed.is_set():
                break
            calls.append(asyncio.ensure_future(one(number)))
        return list(await asyncio.wait_for(asyncio.gather(*calls), LONGEST_SECONDS))
    except asyncio.TimeoutError:
        raise UnavailableError(f"answers were missing after {LONGEST_SECONDS:.0f} s") from None
    finally:
        for made in calls:
            made.cancel()


def percentile(values: Sequence[float], share: float) -> float:
    """The least value at or below which lies `share` of them (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
