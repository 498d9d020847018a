"""API keys: the configuration holds their SHA-256, a request brings the key in X-API-Key.

Without any key configured everything is open, which is only allowed on loopback.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader

from common.config import ServingConfig
from common.errors import ConfigError
from serving.errors import ApiError

Scope = Literal["ingest", "read", "fraud", "admin"]
HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="needed when keys are configured")


def refuse_open_door(serving: ServingConfig) -> None:
    """`ConfigError` when anybody in the network could use the API."""
    if not serving.api_keys and not is_loopback(serving.host):
        raise ConfigError(
            f"serving.api_keys is empty and serving.host '{serving.host}' is not loopback:"
            " add a key (sha256 and scopes) or serve on 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether an address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def allowed(serving: ServingConfig, key: str | None, scope: Scope) -> None:
    """Returns when the key opens `scope`; 401 without a known key, 403 for one that lacks the scope.

    Every configured key is compared, in constant time, so that the answer's time tells nothing.
    """
    if not serving.api_keys:
        return
    digest = hashlib.sha256((key or "").encode()).hexdigest()
    matching = [known for known in serving.api_keys if hmac.compare_digest(known.key_sha256, digest)]
    if not key or not matching:
        raise ApiError(401, "unauthorized", "X-API-Key is missing or unknown")
    if not any(scope in known.scopes or "admin" in known.scopes for known in matching):
        raise ApiError(403, "forbidden", f"this key lacks the scope '{scope}'")


def needs(scope: Scope) -> Callable[..., Awaitable[None]]:
    """A FastAPI dependency that lets a request with `scope` pass.

    It waits for nothing, but one that is no coroutine would be run in a thread: half of a short request's time.
    """

    async def check(request: Request, key: Annotated[str | None, Depends(HEADER)]) -> None:
        allowed(request.app.state.services.config.serving, key, scope)

    return check
