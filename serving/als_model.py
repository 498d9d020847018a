"""The ALS model in the process, for users who are newer than the last training: the live version, and the canary.

Their arrays are mapped, not read, and opened in a thread: no request waits. Until a version is open, or where
its arrays cannot be had, requests go on without it.
"""

import asyncio
import logging
import time
from collections import OrderedDict

from common.config import Config
from common.errors import StylestreamError
from common.models.recommender import Recommender, model_store

log = logging.getLogger("stylestream.serving.als")
AGAIN_SECONDS = 30.0
MOST = 2  # versions open


class AlsModel:
    """One a process."""

    def __init__(self, config: Config) -> None:
        self._store = model_store(config)
        self._open: OrderedDict[str, Recommender] = OrderedDict()  # the one asked for last at the end
        self._opening: asyncio.Task[None] | None = None
        self._again: dict[str, float] = {}

    def of(self, version: str | None) -> Recommender | None:
        """The model of this version if it is open; else it is opened for later requests."""
        if version is None:
            return None
        if version in self._open:
            self._open.move_to_end(version)
            return self._open[version]
        busy = self._opening is not None and not self._opening.done()
        if not busy and self._again.get(version, 0.0) <= time.monotonic():
            self._opening = asyncio.ensure_future(self._take(version))
        return None

    async def _take(self, version: str) -> None:
        now = time.monotonic()
        self._again = {other: at for other, at in self._again.items() if at > now} | {version: now + AGAIN_SECONDS}
        try:
            self._open[version] = await asyncio.to_thread(self._store.open, version)
            while len(self._open) > MOST:
                self._open.popitem(last=False)
        except (StylestreamError, OSError, ValueError, KeyError) as error:
            log.warning("model %s cannot be opened, users are not folded in: %s", version, type(error).__name__)
