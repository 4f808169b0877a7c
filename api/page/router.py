"""All routes of the status page."""

from fastapi import FastAPI

from api.page import (
    audit,
    docs,
    keys,
    shares,
    sign_in,
    single_sign_on,
    storage,
    uploads,
    webhooks,
    workers,
    zoo,
)
from api.page.compare import page as compare
from api.page.jobs import bulk, detail, listing
from api.page.pictures import routes as pictures
from api.page.submit import new
from api.page.sweeps import detail as sweep
from api.page.sweeps import listing as sweeps

# Fixed addresses come before those that contain a job's id.
_MODULES = (
    listing,
    bulk,
    compare,
    new,
    detail,
    pictures,
    sweeps,
    sweep,
    storage,
    uploads,
    webhooks,
    zoo,
    keys,
    shares,
    workers,
    audit,
    docs,
    sign_in,
    single_sign_on,
)


def add_to(app: FastAPI) -> None:
    """Add the routes, each router to the application itself, as `api.routes.router` does."""
    for module in _MODULES:
        app.include_router(module.router, include_in_schema=False)
