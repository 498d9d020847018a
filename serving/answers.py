"""JSON answers by orjson, and times as the contract wants them."""

from typing import Any

import orjson
from starlette.responses import Response

from common.validate import rfc3339

MINUTE_MS = 60_000


class Json(Response):
    """A JSON answer; takes dataclasses as they are."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def time_of(millis: int | None) -> str | None:
    """RFC 3339 of epoch milliseconds; None stays None."""
    return None if millis is None else rfc3339(millis)


def time_of_minute(minute: int | None) -> str | None:
    """RFC 3339 of an epoch minute; None stays None."""
    return None if minute is None else rfc3339(minute * MINUTE_MS)
