"""Which versions are live, and up to when events are counted: read at most once a second a process, so that a request
need not ask first."""

from dataclasses import dataclass

from common.models.canary import Canary, load
from serving.services import Services

KEEP_SECONDS = 1.0


@dataclass(frozen=True)
class Versions:
    """None where nothing has been published; `as_of` is the newest minute of the events."""

    als: str | None
    canary: Canary | None
    related: str | None
    ctr: str | None = None
    as_of: int | None = None

    def als_for(self, user: str) -> tuple[str, ...]:
        """The versions of the ALS model that may answer this user, the one to answer if it can first."""
        canary = [self.canary.version] if self.canary and self.canary.serves(user) else []
        return tuple(dict.fromkeys([*canary, *([self.als] if self.als else [])]))


async def live(services: Services) -> Versions:
    """The live versions; a moved pointer shows after `KEEP_SECONDS` at most."""
    found: Versions = await services.kept.get("versions", KEEP_SECONDS, lambda: _load(services))
    return found


async def _load(services: Services) -> Versions:
    keys = services.keys
    pipeline = services.redis.pipeline(transaction=False)
    pipeline.get(keys.live_model)
    pipeline.get(keys.canary)
    pipeline.get(keys.live_related)
    pipeline.get(keys.live_ctr)
    pipeline.get(keys.as_of)
    als, canary, related, ctr, as_of = await pipeline.execute()
    als, related, ctr = (text.decode() if text else None for text in (als, related, ctr))
    return Versions(als, load(canary), related, ctr, int(as_of) if as_of else None)
