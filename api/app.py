"""The application: REST under /v1, probes, and the status page."""

import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api.openapi import DocumentedAPI
from api.page import router
from api.page.base import render
from api.problems import handlers
from api.problems.problems import NotAuthenticated, RateLimited, ScopeMissing, ServiceUnavailable, documented
from api.resources import Service
from api.routes import (
    artifacts,
    estimates,
    events,
    health,
    jobs,
    keys,
    methods,
    sweeps,
    uploads,
    webhooks,
    zoo,
)
from api.security.middleware import Guards
from jobs.settings import Settings
from jobs.settings import settings as settings_from_environment

_DESCRIPTION = """
Submit a job that prunes a causal language model, follow it, download the sparse model.

Refusals are RFC 9457 problem documents; their `type` is stable. Lists are newest first and paged by cursor.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API with everything that `settings` (by default the environment's) name. Imports no torch."""
    settings = settings or settings_from_environment()
    service = Service.of(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = DocumentedAPI(
        title="PruneServe",
        version=version("pruneserve"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        # The interactive pages of FastAPI load their scripts from another host.
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.state.service = service
    handlers.install(app, render.problem_response)
    app.add_middleware(Guards, settings=settings)
    everywhere = documented(NotAuthenticated, ScopeMissing, RateLimited, ServiceUnavailable)
    for room in (jobs, estimates, events, artifacts, methods, keys, uploads, webhooks, sweeps, zoo):
        app.include_router(room.router, responses=everywhere)
    app.include_router(health.router)
    app.include_router(router.router)
    app.mount("/static", StaticFiles(directory=render.STATIC))
    return app
