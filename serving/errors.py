"""Every error answer has one shape: {"error": {"code", "message", "details"}}, whatever went wrong.

Nothing a caller sent and no trace gets into a log: an unexpected error is logged by its type and place.
"""

import logging
from collections.abc import Mapping
from typing import Any

import redis.exceptions
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from common.events import Field, reasons
from common.redis_client import trouble
from serving.answers import Json
from serving.routes.paths import not_there

log = logging.getLogger("stylestream.serving")
RETRY_SECONDS = 1
AN_ID = reasons(Field("", "id"))["form"]
CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}


class ApiError(Exception):
    """An error with an answer: status, code for programs, message for people, details naming fields."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details
        self.headers = dict(headers or {})

    def answer(self) -> Json:
        """The HTTP answer."""
        body = {"code": self.code, "message": str(self), "details": self.details}
        return Json({"error": body}, status_code=self.status, headers=self.headers)


def bad_field(field: str, reason: str) -> ApiError:
    """400 that names the field."""
    return ApiError(400, "invalid_input", f"{field}: {reason}", [{"field": field, "reason": reason}])


def unavailable(reason: str) -> ApiError:
    """503 with Retry-After: a store does not answer, or cannot be asked now."""
    return ApiError(503, "unavailable", f"{reason}; try again", None, {"Retry-After": str(RETRY_SECONDS)})


def unexpected(error: Exception) -> Json:
    """500 for what nobody foresaw; logs its type and place only."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "unknown place"
    log.error("%s at %s", type(error).__name__, place)
    return ApiError(500, "internal", "the server failed; nothing in the request explains it").answer()


def _reason(problem: dict[str, Any]) -> str:
    if problem["type"] == "string_pattern_mismatch":
        if problem.get("input") == "":
            return "must not be empty: leave it out"
        return AN_ID
    text = str(problem["msg"]).removeprefix("Input ").removeprefix("String ")
    return text.replace("should", "must", 1)


def add_handlers(app: FastAPI) -> None:
    """Gives each kind of error its answer."""

    async def api(_: Request, error: Any) -> Json:
        return error.answer()  # type: ignore[no-any-return]

    async def http(request: Request, error: Any) -> Json:
        path = request.scope["path"]
        a_user = error.status_code == 405 and request.method == "GET" and path.startswith("/v1/users/")
        if error.status_code == 404 or a_user:  # of a user alone there is DELETE only
            return ApiError(404, "not_found", not_there(path)).answer()
        code = CODES.get(error.status_code, "http_error")
        headers = dict(error.headers or {})
        if headers.get("Allow") == "GET":  # and HEAD, as `serving.gate` has it
            headers["Allow"] = "GET, HEAD"
        return ApiError(error.status_code, code, str(error.detail), None, headers).answer()

    async def invalid(_: Request, error: Any) -> Json:
        details = [{"field": str(problem["loc"][-1]), "reason": _reason(problem)} for problem in error.errors()]
        message = "; ".join(f"{detail['field']}: {detail['reason']}" for detail in details)
        return ApiError(400, "invalid_input", message, details).answer()

    async def store(request: Request, error: Any) -> Json:
        wrong = trouble(error)
        log.warning("%s (%s)", wrong, type(error).__name__)
        request.app.state.services.store.suspect()
        return unavailable(wrong).answer()

    app.add_exception_handler(ApiError, api)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(redis.exceptions.RedisError, store)
