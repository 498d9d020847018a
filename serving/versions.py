"""Which versions are live: read at most once a second a process, so that a request need not ask first."""

from dataclasses import dataclass

from serving.services import Services

KEEP_SECONDS = 1.0


@dataclass(frozen=True)
class Versions:
    """None where nothing has been published."""

    als: str | None
    related: str | None


async def live(services: Services) -> Versions:
    """The live versions; a moved pointer shows after `KEEP_SECONDS` at most."""
    found: Versions = await services.kept.get("versions", KEEP_SECONDS, lambda: _load(services))
    return found


async def _load(services: Services) -> Versions:
    keys = services.keys
    pipeline = services.redis.pipeline(transaction=False)
    pipeline.get(keys.live_model)
    pipeline.get(keys.live_related)
    return Versions(*[text.decode() if text else None for text in await pipeline.execute()])
