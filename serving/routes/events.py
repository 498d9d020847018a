"""POST /v1/events: one event or {"events": […]}."""

import json
import time

from fastapi import APIRouter, Depends, Request

from common.strict_json import Read, Reader
from common.validate import Rejection
from serving.answers import Json
from serving.auth import needs
from serving.body import read_body
from serving.described import errors
from serving.errors import ApiError, bad_field
from serving.routes.parameters import given_once
from serving.schemas import ReceiptBody

router = APIRouter(tags=["events"])
EXAMPLE = {
    "event_id": "e-1",
    "event_type": "click",
    "event_time": "2026-01-31T09:30:00.000Z",
    "user_id": "u-1",
    "item_id": "i-1",
}
BODY = {"content": {"application/json": {"schema": {"type": "object"}, "example": EXAMPLE}}, "required": True}
ENCODING = {"name": "Content-Encoding", "in": "header", "schema": {"type": "string", "enum": ["gzip"]}}


@router.post(
    "/events",
    status_code=202,
    response_model=ReceiptBody,
    responses=errors(413, 415),
    openapi_extra={"requestBody": BODY, "parameters": [ENCODING]},
    dependencies=[Depends(needs("ingest")), Depends(given_once)],
)
async def post_events(request: Request) -> Json:
    """Accepted means that Kafka has acknowledged it; an event_id sent again counts once."""
    state = request.app.state
    limits = state.services.config.serving
    body = await read_body(request, limits.max_body_bytes)
    try:
        events = events_of(body.decode(), limits.max_events_per_request)
    except ValueError as error:
        await state.collector.quarantine([(body, Rejection("", "not JSON"))], time.time_ns() // 1_000_000)
        raise ApiError(400, "malformed_json", f"the body is not JSON: {_problem(error)}") from None
    receipt = await state.collector.collect(events)
    return Json(receipt, status_code=202)


def events_of(text: str, most: int) -> list[Read]:
    """The events of a body; 400 where it is neither an event nor a list of at most `most`, `ValueError` where it is no
    JSON."""
    reader = Reader(text)
    events = reader.events() if '"events"' in text else None
    if events is None:
        return [_event(reader.whole())]
    if len(events) > most:
        raise bad_field("events", f"must hold at most {most} events")
    return events


def _event(read: Read) -> Read:
    if read.text.startswith("[") or (read.strict and not isinstance(read.value, dict)):
        raise ApiError(400, "invalid_input", 'the body must be one event or {"events": […]}')
    if read.strict and "events" in read.value and "event_type" not in read.value:
        raise bad_field("events", "must be a list")
    return read


def _problem(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError) and error.doc.startswith("\ufeff"):
        return "it begins with a byte order mark; send UTF-8 without one"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    return "not valid UTF-8"
