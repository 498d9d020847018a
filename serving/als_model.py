"""The ALS model in the process, for users who are newer than the last training: the live version, and the canary.

Their arrays are mapped, not read, and opened in a thread: no request waits. Until a new version is open the one before
it answers, so that a publication leaves nobody without.
"""

import asyncio
import logging
from typing import Any

from common.config import Config
from common.errors import StylestreamError
from common.keys import Keys
from common.models.canary import load
from common.models.recommender import Recommender, model_store

log = logging.getLogger("stylestream.serving.als")


class AlsModel:
    """One a process; `client` is asyncio Redis."""

    def __init__(self, config: Config, client: Any) -> None:
        self._store, self._client, self._keys = model_store(config), client, Keys(config.redis.prefix)
        self._open: dict[str, Recommender] = {}
        self._live: str | None = None
        self._failed: set[str] = set()

    def of(self, version: str | None) -> Recommender | None:
        """The model of this version if it is open."""
        return self._open.get(version or "")

    def standing_in(self, version: str | None) -> tuple[str, Recommender] | None:
        """The model of this version; until it is open that of the live version before; None without a version."""
        names = (version, self._live) if version else ()
        return next(((name, self._open[name]) for name in names if name in self._open), None)

    async def refresh(self) -> None:
        """Opens the live version and the canary's; what is neither is let go as soon as the live one is open."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.get(self._keys.live_model)
        pipeline.get(self._keys.canary)
        pointer, text = await pipeline.execute()
        live, canary = pointer.decode() if pointer else "", load(text)
        wanted = [version for version in (live, canary.version if canary else "") if version]
        for version in wanted:
            if version not in self._open:
                await self._take(version)
        if live in self._open:
            self._live = live
        self._open = {name: model for name, model in self._open.items() if name in (*wanted, self._live)}
        self._failed &= set(wanted)

    async def _take(self, version: str) -> None:
        try:
            self._open[version] = await asyncio.to_thread(self._store.open, version)
        except (StylestreamError, OSError, ValueError, KeyError) as error:
            if version not in self._failed:  # tried again and again, said once
                log.warning("model %s cannot be opened, users are not folded in by it: %s", version, error)
            self._failed.add(version)
