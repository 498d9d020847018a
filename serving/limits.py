"""Limits on a request before anything is done for it: rate per client address, bytes of the body."""

import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import Request

from serving.errors import ApiError

MAX_ADDRESSES = 10_000


class RateLimit:
    """A token bucket a client address: `rate` requests a second, as many in one burst.

    Remembers the MAX_ADDRESSES that came last; one that is forgotten starts with a full bucket.
    """

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> float:
        """0 when the request may pass, else the seconds after which one will."""
        now = self._clock()
        tokens, then = self._buckets.pop(address, (float(self._rate), now))
        tokens = min(float(self._rate), tokens + (now - then) * self._rate)
        passes = tokens >= 1
        self._buckets[address] = (tokens - passes, now)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1 - tokens) / self._rate


async def read_body(request: Request, limit: int) -> bytes:
    """The body; 413 as soon as it is known to be longer than `limit` bytes."""
    too_large = ApiError(413, "too_large", f"the body must be at most {limit} bytes")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)
