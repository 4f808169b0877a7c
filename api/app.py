"""The application: REST under /v1, probes, and the status page."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from api import identity_provider
from api.http.monitoring import RequestMonitor
from api.openapi import DocumentedAPI, operation_id
from api.page import settings as page_settings
from api.page import sign_in
from api.page import zoo as page_zoo
from api.page.base import render
from api.page.compare import page as compare
from api.page.jobs import detail, listing
from api.page.pictures import pictures
from api.page.submit import new
from api.page.sweeps import pages as page_sweeps
from api.problems import handlers
from api.problems.base import documented
from api.problems.catalogue import NotAuthenticated, RateLimited, ScopeMissing, ServiceUnavailable
from api.resources import AppResources
from api.routes import access, events, files, health, jobs, sweeps, webhooks, workers, zoo
from api.security.middleware import RequestGuard
from jobs.settings import Settings
from jobs.settings import settings as settings_from_environment
from pruning.version import pruneserve_version

_DESCRIPTION = """
Submit a job that prunes a causal language model, follow it, download the sparse model.

Every request but the probes and that of this document needs an API key. Errors are RFC 9457 problem documents
whose `type` is stable. Lists are newest first and paged by cursor.
"""

# What any request of the REST API may be answered with.
_COMMON_PROBLEMS = documented(NotAuthenticated, ScopeMissing, RateLimited, ServiceUnavailable)
_ROUTERS = (
    jobs.router,
    jobs.estimates_router,
    jobs.methods_router,
    events.router,
    *(files.artifacts_router, files.uploads_router, files.storage_router),
    *(access.client_router, access.keys_router, access.audit_router),
    webhooks.router,
    sweeps.router,
    zoo.router,
    workers.router,
)
# Fixed addresses come before those that contain a job's id.
_PAGES = (listing, compare, new, detail, pictures, page_sweeps, page_zoo, page_settings, sign_in)


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
        webhooks=webhooks.messages,
    )
    app.state.resources = resources
    handlers.install(app, render.problem_response)
    if resources.identity_provider is not None:
        identity_provider.add_cookie(app, settings)
    app.add_middleware(RequestGuard, settings=settings)
    app.add_middleware(RequestMonitor)
    _add_routes(app)
    app.add_route("/v1/openapi.json", app.serve_document, include_in_schema=False)
    app.add_route(f"/static/{render.STYLESHEET}", render.serve_stylesheet)
    app.mount("/static", StaticFiles(directory=render.STATIC))
    return app


def _add_routes(app: FastAPI) -> None:
    """Add each router to the application itself, which tries the routes of a router in a router twice.

    Probes and jobs come first, because routes are tried in turn.
    """
    app.include_router(health.router)
    for router in _ROUTERS:
        app.include_router(router, responses=_COMMON_PROBLEMS)
    for page in _PAGES:
        app.include_router(page.router, include_in_schema=False)
