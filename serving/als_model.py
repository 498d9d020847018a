"""The ALS model in the process, for users who are newer than the last training.

Its arrays are mapped, not read, and opened in a thread: no request waits. Until the live version is open, or where
its arrays cannot be had, requests go on without it.
"""

import asyncio
import logging
import time

from common.config import Config
from common.errors import StylestreamError
from common.models.recommender import Recommender, model_store

log = logging.getLogger("stylestream.serving.als")
AGAIN_SECONDS = 30.0


class AlsModel:
    """One a process."""

    def __init__(self, config: Config) -> None:
        self._store = model_store(config)
        self._model: Recommender | None = None
        self._opening: asyncio.Task[None] | None = None
        self._again: dict[str, float] = {}

    def of(self, version: str | None) -> Recommender | None:
        """The model of this version if it is open; else it is opened for later requests."""
        if version is None:
            return None
        if self._model is not None and self._model.version == version:
            return self._model
        busy = self._opening is not None and not self._opening.done()
        if not busy and self._again.get(version, 0.0) <= time.monotonic():
            self._opening = asyncio.ensure_future(self._open(version))
        return None

    async def _open(self, version: str) -> None:
        self._again = {version: time.monotonic() + AGAIN_SECONDS}
        try:
            self._model = await asyncio.to_thread(self._store.open, version)
        except (StylestreamError, OSError, ValueError, KeyError) as error:
            log.warning("model %s cannot be opened, users are not folded in: %s", version, type(error).__name__)
