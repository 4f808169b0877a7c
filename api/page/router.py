"""All routes of the status page."""

from fastapi import FastAPI

from api.page import settings, sign_in, single_sign_on, zoo
from api.page.compare import page as compare
from api.page.jobs import detail, files, listing
from api.page.pictures import routes as pictures
from api.page.submit import new
from api.page.sweeps import detail as sweep
from api.page.sweeps import listing as sweeps

# Fixed addresses come before those that contain a job's id.
_MODULES = (
    listing,
    compare,
    new,
    detail,
    files,
    pictures,
    sweeps,
    sweep,
    zoo,
    settings,
    sign_in,
    single_sign_on,
)


def add_to(app: FastAPI) -> None:
    """Add the routes, each router to the application itself, as `api.routes.router` does."""
    for module in _MODULES:
        app.include_router(module.router, include_in_schema=False)
