"""What a serving process keeps up with beside its requests: had before the first of them if possible, renewed since."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from redis.exceptions import RedisError

from common.errors import StylestreamError

START_SECONDS = 5.0  # the first request waits no longer
Refresh = Callable[[], Awaitable[None]]
log = logging.getLogger(__name__)


async def first(refreshes: Mapping[str, Refresh]) -> None:
    """Each once; returns after `START_SECONDS` at the latest, whatever came of it."""
    await asyncio.wait([asyncio.ensure_future(_once(*each)) for each in refreshes.items()], timeout=START_SECONDS)


async def follow(refreshes: Mapping[str, Refresh], seconds: float) -> None:
    """Each again and again, `seconds` apart; a failure leaves what is served, is logged and tried again."""
    while True:
        await asyncio.sleep(seconds)
        for each in refreshes.items():
            await _once(*each)


async def _once(name: str, refresh: Refresh) -> None:
    try:
        await refresh()
    except (StylestreamError, RedisError, OSError, ValueError) as error:
        log.warning("%s not renewed: %s", name, error)
    except Exception:
        log.exception("%s not renewed", name)
