"""POST /v1/events: one event or {"events": […]}."""

import time
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request

from common.validate import Rejection
from serving.answers import Json
from serving.auth import needs
from serving.errors import ApiError, bad_field
from serving.limits import read_body
from serving.schemas import ErrorBody, ReceiptBody

router = APIRouter(tags=["events"])
ERRORS: dict[int | str, dict[str, Any]] = {code: {"model": ErrorBody} for code in (400, 413, 429, 503)}
EXAMPLE = {
    "event_id": "e-1",
    "event_type": "click",
    "event_time": "2026-01-31T09:30:00.000Z",
    "user_id": "u-1",
    "item_id": "i-1",
}
BODY = {"content": {"application/json": {"schema": {"type": "object"}, "example": EXAMPLE}}, "required": True}


@router.post(
    "/events",
    status_code=202,
    response_model=ReceiptBody,
    responses=ERRORS,
    openapi_extra={"requestBody": BODY},
    dependencies=[Depends(needs("ingest"))],
)
async def post_events(request: Request) -> Json:
    """Accepted means that Kafka has acknowledged it; an event_id sent again counts once."""
    state = request.app.state
    limits = state.services.config.serving
    body = await read_body(request, limits.max_body_bytes)
    try:
        events = events_of(orjson.loads(body), limits.max_events_per_request)
    except orjson.JSONDecodeError as error:
        why = Rejection("", f"not JSON: {error.msg}")
        await state.collector.quarantine([(body, Rejection("", "not JSON"))], time.time_ns() // 1_000_000)
        place = f"line {error.lineno} column {error.colno}"
        raise ApiError(400, "malformed_json", f"the body is {why.reason} at {place}") from None
    receipt = await state.collector.collect(events)
    return Json(receipt, status_code=202)


def events_of(body: object, most: int) -> list[object]:
    """The events of a body; 400 where it is neither an event nor a list of at most `most`."""
    if not isinstance(body, dict):
        raise ApiError(400, "invalid_input", 'the body must be one event or {"events": […]}')
    if "events" not in body or "event_type" in body:
        return [body]
    events = body["events"]
    if not isinstance(events, list):
        raise bad_field("events", "must be a list")
    if len(events) > most:
        raise bad_field("events", f"must hold at most {most} events")
    return events
