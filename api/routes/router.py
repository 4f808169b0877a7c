"""All routes of the REST API, each with the problems that any request may be answered with."""

from fastapi import APIRouter

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

router = APIRouter()
common_responses = documented(NotAuthenticated, ScopeMissing, RateLimited, ServiceUnavailable)
modules = (
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
router.include_router(health.router)  # first, because routes are tried in turn, and probes come all the time
for module in modules:
    router.include_router(module.router, responses=common_responses)
