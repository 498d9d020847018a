"""The live click-through model in the process, read again when the pointer has moved; and the item counts it needs."""

import logging
import time
from collections.abc import Callable
from typing import Any

from common.keys import Keys
from common.models.ctr import Scorecard, load
from serving.item_counts import ItemCounts

log = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0


class ClickModel:
    """One a process. `clock` gives seconds since the epoch."""

    def __init__(self, counts: ItemCounts, clock: Callable[[], float] = time.time) -> None:
        self.counts, self.clock = counts, clock
        self._version: str | None = None
        self._card: Scorecard | None = None
        self._again = 0.0

    async def card(self, client: Any, keys: Keys, version: str | None) -> Scorecard | None:
        """The model of this version. None without a version, when it is gone from Redis or damaged, or trained on other
        features than this code computes; one that cannot be used is read again after `AGAIN_SECONDS`."""
        if version is None:
            return None
        if version != self._version or (self._card is None and time.monotonic() >= self._again):
            text = await client.get(keys.ctr_model(version))
            self._card, self._version = _read(text) if text else None, version
            self._again = time.monotonic() + AGAIN_SECONDS
            if self._card is None:
                log.warning("click-through model %s is gone, damaged or of other features: not used", version)
        return self._card


def _read(text: bytes) -> Scorecard | None:
    try:
        return load(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
