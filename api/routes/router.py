"""All routes of the REST API, each with the problems that any request may be answered with."""

from fastapi import FastAPI

from api.problems.base import documented
from api.problems.catalogue import NotAuthenticated, RateLimited, ScopeMissing, ServiceUnavailable
from api.routes import access, events, files, health, jobs, sweeps, webhooks, workers, zoo

_COMMON = documented(NotAuthenticated, ScopeMissing, RateLimited, ServiceUnavailable)
_ROUTERS = (
    jobs.router,
    jobs.estimates_router,
    jobs.methods_router,
    events.router,
    *(files.artifacts_router, files.gradients_router, files.uploads_router, files.storage_router),
    *(access.client_router, access.keys_router, access.audit_router),
    webhooks.router,
    sweeps.router,
    zoo.router,
    workers.router,
)


def add_to(app: FastAPI) -> None:
    """Add the routes: each router to the application itself, which tries those of a router in a router twice.

    Probes and jobs come first, because routes are tried in turn.
    """
    app.include_router(health.router)
    for router in _ROUTERS:
        app.include_router(router, responses=_COMMON)
