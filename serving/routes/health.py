"""/healthz, /readyz and /metrics: for load balancers, orchestrators and Prometheus; no key needed."""

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import Response

from serving.answers import Json
from serving.schemas import ReadyBody

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def get_health() -> Json:
    """The process is alive."""
    return Json({"alive": True})


@router.get("/readyz", response_model=ReadyBody, responses={503: {"model": ReadyBody}})
async def get_readiness(request: Request) -> Json:
    """Every part, and whether all are fit to serve (200) or not (503)."""
    parts = await request.app.state.readiness.parts()
    ready = all(part.ok for part in parts.values() if part.needed)
    body = {"ready": ready, "parts": {name: asdict(part) for name, part in parts.items()}}
    return Json(body, status_code=200 if ready else 503)


@router.get("/metrics", response_class=Response)
async def get_metrics(request: Request) -> Response:
    """What the process has counted, and what batch last found to have moved, as Prometheus text."""
    services = request.app.state.services
    await services.metrics.drift.refresh(services.redis, services.keys)
    await services.metrics.ages.refresh(services.redis, services.keys, services.config.streaming.queries)
    text = services.metrics.text()
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
