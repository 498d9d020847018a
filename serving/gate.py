"""What every request passes: one spelling of the path, rate limit, time by route, security headers, no trace."""

import math
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import ApiError, unexpected
from serving.routes.paths import routed_path

HEADERS = [(b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY")]
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        scope["path"] = routed_path(scope)
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            await send(message)

        services = scope["app"].state.services
        try:
            await self._answer(services, scope, receive, observed)
        except Exception as error:  # the last resort: the caller gets an answer, the log the place
            answer = unexpected(error)
            if not status:
                await answer(scope, receive, observed)
        finally:
            labels = _labels(scope, status)
            services.metrics.requests.labels(*labels).observe(time.perf_counter() - begun)

    async def _answer(self, services: Any, scope: Scope, receive: Receive, send: Send) -> None:
        wait = 0.0
        if scope["path"].startswith("/v1/"):
            client = scope.get("client")
            wait = services.rate.take(client[0] if client else "")
        if wait > 0:
            headers = {"Retry-After": str(math.ceil(wait))}
            rate = services.config.serving.requests_per_second
            refused = ApiError(429, "too_many_requests", f"at most {rate} requests a second", None, headers)
            await refused.answer()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _labels(scope: Scope, status: int) -> tuple[str, str, str]:
    """Method, route and status; a path that no route knows is 'unmatched', whatever it was."""
    route = getattr(scope.get("route"), "path", None) or "unmatched"
    method = scope["method"] if scope["method"] in METHODS else "other"
    return method, route, str(status)
