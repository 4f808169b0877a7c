"""Probes for whoever supervises the process. They need no key and tell nothing but whether it works."""

from fastapi import APIRouter
from sqlalchemy import exc, text

from api.problems.problems import ServiceUnavailable, documented
from api.resources import Database
from api.schemas.jobs import Health

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Answers as long as the process does, however many requests wait for the database."""
    return Health(status="ok")


@router.get("/readyz", summary="Can it serve requests?", responses=documented(ServiceUnavailable))
def readyz(database: Database) -> Health:
    """Needs PostgreSQL with its tables. The broker is not asked: submitting works without it."""
    try:
        with database.begin() as session:
            session.execute(text("SELECT FROM jobs LIMIT 0"))
    except exc.ProgrammingError as error:
        raise ServiceUnavailable("The database lacks its tables: run the migrations.") from error
    return Health(status="ok")
