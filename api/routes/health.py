"""Probes for the supervisor of the process. They need no key and reveal nothing else."""

from fastapi import APIRouter
from sqlalchemy import exc, text

from api.problems.problem import documented
from api.problems.problems import ServiceUnavailable
from api.resources import Database
from api.schemas.health import Health

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def get_liveness() -> Health:
    """Answer while the process is alive, whether or not it can reach the database."""
    return Health(status="ok")


@router.get("/readyz", summary="Can it serve requests?", responses=documented(ServiceUnavailable))
def get_readiness(database: Database) -> Health:
    """Check that PostgreSQL answers and has its tables. Submitting works without the broker."""
    try:
        with database.begin() as session:
            session.execute(text("SELECT FROM jobs LIMIT 0"))
    except exc.ProgrammingError as error:
        raise ServiceUnavailable("The database has no tables. Run the migrations.") from error
    return Health(status="ok")
