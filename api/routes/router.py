"""All routes of the REST API, each with the problems that any request may be answered with."""

from fastapi import FastAPI

from api.problems.problem import documented
from api.problems.problems import NotAuthenticated, RateLimited, ScopeMissing, ServiceUnavailable
from api.routes import (
    artifacts,
    audit,
    client,
    estimates,
    events,
    gradients,
    health,
    jobs,
    keys,
    methods,
    sweeps,
    uploads,
    webhooks,
    workers,
    zoo,
)

_COMMON = documented(NotAuthenticated, ScopeMissing, RateLimited, ServiceUnavailable)
_MODULES = (
    jobs,
    estimates,
    events,
    artifacts,
    gradients,
    methods,
    client,
    keys,
    uploads,
    webhooks,
    sweeps,
    zoo,
    workers,
    audit,
)


def add_to(app: FastAPI) -> None:
    """Add the routes: each router to the application itself, which tries those of a router in a router twice.

    Probes and jobs come first, because routes are tried in turn.
    """
    app.include_router(health.router)
    for module in _MODULES:
        app.include_router(module.router, responses=_COMMON)
