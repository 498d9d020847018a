"""A limit on requests before anything is done for them: rate per client address. `serving.body` has that of a body."""

import time
from collections import OrderedDict
from collections.abc import Callable

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
