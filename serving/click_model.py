"""The live click-through model in the process, read again when the pointer has moved; and the item counts it needs."""

import logging
import time
from collections.abc import Callable
from typing import Any

from common.keys import Keys
from common.models.ctr import Scorecard, load
from serving.item_counts import ItemCounts

log = logging.getLogger(__name__)


class ClickModel:
    """One a process. `clock` gives seconds since the epoch."""

    def __init__(self, counts: ItemCounts, clock: Callable[[], float] = time.time) -> None:
        self.counts, self.clock = counts, clock
        self._version: str | None = None
        self._card: Scorecard | None = None

    async def card(self, client: Any, keys: Keys, version: str | None) -> Scorecard | None:
        """The model of this version. None without a version, when it is gone from Redis, or when it was trained on
        other features than this code computes; one that is gone is asked for again, as it may come back."""
        if version is None:
            return None
        if version != self._version:
            text = await client.get(keys.ctr_model(version))
            self._card = load(text) if text else None
            self._version = version if text else None
            if self._card is None:
                log.warning("click-through model %s is gone or of other features: not used", version)
        return self._card
