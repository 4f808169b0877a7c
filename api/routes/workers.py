"""The workers of this service, for those who run it."""

from typing import Annotated

from fastapi import APIRouter

from api.actions.workers import Look
from api.resources import Resources
from api.schemas.workers import WorkerList
from api.security.auth import requires
from jobs.access.api_keys import Principal, Scope

router = APIRouter(prefix="/v1/workers", tags=["workers"])

Admin = Annotated[Principal, requires(Scope.ADMIN)]


@router.get("", summary="List the workers")
def list_workers(principal: Admin, resources: Resources) -> WorkerList:
    """List the workers of the last hour: what each does, or why it takes no jobs."""
    return Look(resources, principal, "GET /v1/workers").read()
