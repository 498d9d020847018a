"""The application: routes under /v1, health, metrics and the pages, with the services they share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from common.config import Config
from serving.auth import refuse_open_door
from serving.collector import Collector
from serving.cors import add_cors
from serving.described import Described, errors
from serving.errors import add_handlers
from serving.gate import Gate
from serving.keywords import Keywords
from serving.readiness import Readiness
from serving.routes import events, health, items, keywords, page, rankings, recommendations, users
from serving.services import running

DESCRIPTION = "Events in; rankings, profiles and recommendations out. Times are UTC, RFC 3339."


def create_app(config: Config) -> FastAPI:
    """The ASGI application; `ConfigError` when it would be open to the network without a key."""
    refuse_open_door(config.serving)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(config) as services:
            app.state.services = services
            app.state.collector = Collector(services)
            app.state.readiness = Readiness(services)
            app.state.keywords = Keywords(services)
            yield

    app = Described(
        title="Stylestream",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        servers=[{"url": config.serving.root_path}] if config.serving.root_path else None,
    )
    app.add_middleware(Gate, root_path=config.serving.root_path)
    add_cors(app, config.serving.cors_origins)
    add_handlers(app)
    for routes in (events, rankings, users, recommendations, items, keywords):
        app.include_router(routes.router, prefix="/v1", responses=errors(400, 401, 403, 429, 500, 503))
    app.include_router(health.router, responses=errors(500))
    app.include_router(page.router)
    return app
