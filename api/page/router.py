"""All routes of the status page."""

from fastapi import FastAPI

from api.page import settings, sign_in, zoo
from api.page.compare import page as compare
from api.page.jobs import detail, listing
from api.page.pictures import pictures
from api.page.submit import new
from api.page.sweeps import pages as sweeps

# Fixed addresses come before those that contain a job's id.
_MODULES = (listing, compare, new, detail, pictures, sweeps, zoo, settings, sign_in)


def add_to(app: FastAPI) -> None:
    """Add the routes, each router to the application itself, as `api.routes.router` does."""
    for module in _MODULES:
        app.include_router(module.router, include_in_schema=False)
