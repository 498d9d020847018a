"""What every request passes: one spelling of the path, rate limit, time by route, security headers, no trace.

HEAD is answered wherever GET is, by the same route: the same status and headers, without the body.
"""

import math
import time
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import ApiError, unavailable, unexpected
from serving.routes.paths import routed_path

HEADERS = [(b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY")]
LEFT = 499  # as nginx has it: the client has gone before its request was whole, nobody reads an answer
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, root_path: str = "") -> None:
        self._app = app
        self._root = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        scope["path"] = routed_path(scope, self._root)
        # A copy: the server knows by its own that there is no body.
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *HEADERS]}
            elif asked is not scope and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        services = scope["app"].state.services
        try:
            await self._answer(services, asked, receive, observed)
        except ClientDisconnect:
            status = LEFT
        except Exception as error:  # the last resort: the caller gets an answer, the log the place
            answer = unexpected(error)
            if not status:
                await answer(asked, receive, observed)
        finally:
            labels = _labels(scope["method"], asked, status)
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
        elif scope["path"].startswith("/v1/") and services.store.is_open:
            await unavailable("Redis does not answer").answer()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _labels(method: str, scope: Scope, status: int) -> tuple[str, str, str]:
    """Method, route and status; a path that no route knows is 'unmatched', whatever it was."""
    route = getattr(scope.get("route"), "path", None) or "unmatched"
    return method if method in METHODS else "other", route, str(status)
