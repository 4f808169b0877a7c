"""The application: REST under /v1, probes, and the status page."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api import identity_provider
from api.http.monitoring import RequestMonitor
from api.openapi import DocumentedAPI, operation_id
from api.page import router as page_routes
from api.page.base import render
from api.problems import handlers
from api.resources import AppResources
from api.routes import router as rest_routes
from api.routes.webhooks import messages
from api.security.middleware import RequestGuard
from jobs.settings import Settings
from jobs.settings import settings as settings_from_environment
from pruning.version import pruneserve_version

_DESCRIPTION = """
Submit a job that prunes a causal language model, follow it, download the sparse model.

Every request but the probes needs an API key. Errors are RFC 9457 problem documents whose `type` is stable.
Lists are newest first and paged by cursor.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Create the application with `settings`, by default those of the environment. Imports no torch."""
    settings = settings or settings_from_environment()
    resources = AppResources.of(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with resources.running():
            yield

    app = DocumentedAPI(
        title="PruneServe",
        version=pruneserve_version(),
        description=_DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        # The interactive pages of FastAPI load their scripts from another host.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        servers=[{"url": settings.public_url or "/", "description": "This service."}],
        webhooks=messages,
    )
    app.state.resources = resources
    handlers.install(app, render.problem_response)
    if resources.identity_provider is not None:
        identity_provider.add_cookie(app, settings)
    app.add_middleware(RequestGuard, settings=settings)
    app.add_middleware(RequestMonitor)
    rest_routes.add_to(app)
    page_routes.add_to(app)
    app.add_route("/v1/openapi.json", app.serve_document, include_in_schema=False)
    app.add_route(f"/static/{render.STYLESHEET}", render.serve_stylesheet)
    app.mount("/static", StaticFiles(directory=render.STATIC))
    return app
