"""Values kept in the process for a moment, each by itself; those missing are read together."""

import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class KeptEach(Generic[K, V]):
    """Values of up to `seconds` ago; what comes beyond `most` of them lets go of all that is kept."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._kept: dict[K, tuple[float, V]] = {}

    async def of(self, keys: Sequence[K], read: Callable[[list[K]], Awaitable[Iterable[V]]]) -> list[V]:
        """The values in the order of the keys; `read` is asked for those that are not kept, and what it raises is not
        caught."""
        now = self._clock()
        found = {key: kept[1] for key in keys if (kept := self._kept.get(key)) and kept[0] > now}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing:
            new = dict(zip(missing, await read(missing), strict=True))
            if len(self._kept) + len(new) > self._most:
                self._kept.clear()
            self._kept |= {key: (now + self._seconds, value) for key, value in new.items()}
            found |= new
        return [found[key] for key in keys]
