"""The workers of this service, for those who run it."""

from typing import Annotated

from fastapi import APIRouter

from api.resources import Database
from api.schemas.workers import WorkerItem, WorkerList
from api.security.auth import requires
from jobs.access.api_keys import Principal, Scope
from jobs.fleet import quarantine

router = APIRouter(prefix="/v1/workers", tags=["workers"])

Admin = Annotated[Principal, requires(Scope.ADMIN)]


@router.get("", summary="List the workers")
def list_workers(_principal: Admin, database: Database) -> WorkerList:
    """List the workers that are alive or were within the last hour, and say which take no jobs, and why."""
    with database.begin() as session:
        return WorkerList(items=[WorkerItem.model_validate(row) for row in quarantine.workers(session)])
