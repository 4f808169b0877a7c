"""The workers, the queues, and what owners may take of them, for those who run this service."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.actions import workers
from api.actions.workers import DAYS
from api.problems.base import documented
from api.problems.catalogue import InvalidRequest, MalformedRequest, NotFound, UnsupportedMediaType
from api.resources import Resources
from api.schemas.workers import (
    Days,
    QueueChange,
    QueueItem,
    QueueList,
    ShareChange,
    ShareItem,
    ShareList,
    WorkerChange,
    WorkerItem,
    WorkerList,
)
from api.security.auth import Reader, requires
from jobs.access.api_keys import Principal, Scope
from pruning.recipe import Text

router = APIRouter(prefix="/v1", tags=["workers"])

Admin = Annotated[Principal, requires(Scope.ADMIN)]
Operator = Annotated[Principal, requires(Scope.ADMIN, Scope.JOBS_WRITE)]
WorkerName = Annotated[Text, Path(description="The worker's `name`.")]
QueueName = Annotated[Text, Path(description="The queue's `name`.")]
OwnerName = Annotated[Text, Path(description="The owner's name.")]

_CHANGE_PROBLEMS = documented(MalformedRequest, UnsupportedMediaType, InvalidRequest)
_PROBLEMS = {**documented(NotFound), **_CHANGE_PROBLEMS}


@router.get("/workers", summary="List the workers")
def list_workers(principal: Admin, resources: Resources) -> WorkerList:
    """List the workers of the last hour: what each does, or why it takes no jobs."""
    return workers.list_workers(resources, principal)


@router.patch("/workers/{worker}", summary="Cordon or drain a worker", responses=_PROBLEMS)
def change_worker(
    worker: WorkerName, change: WorkerChange, principal: Operator, resources: Resources
) -> WorkerItem:
    """Let a worker take jobs or none. A job that it runs goes on.

    One that is drained ends with exit code 0 once it runs none; what restarts processes may start another.
    """
    return workers.steer(resources, principal, worker, change.availability)


@router.get("/queues", summary="List the queues")
def list_queues(_principal: Admin, resources: Resources) -> QueueList:
    """List the queues with their jobs and workers, and who has paused one."""
    return workers.list_queues(resources)


@router.patch("/queues/{queue}", summary="Pause or resume a queue", responses=_PROBLEMS)
def change_queue(
    queue: QueueName, change: QueueChange, principal: Operator, resources: Resources
) -> QueueItem:
    """Let no worker claim a job of a queue, or let them again. Jobs that run go on, and new ones wait."""
    return workers.steer_queue(resources, principal, queue, paused=change.paused)


@router.get(
    "/owners", summary="List what owners may take and have used", responses=documented(InvalidRequest)
)
def list_shares(principal: Reader, resources: Resources, days: Days = DAYS) -> ShareList:
    """List every owner with its share of the workers, its jobs, and the GPU seconds of the last days.

    Without the scope `admin` it has your own alone.
    """
    return workers.shares(resources, principal, days)


@router.patch("/owners/{owner}/share", summary="Change an owner's share", responses=_CHANGE_PROBLEMS)
def set_share(owner: OwnerName, change: ShareChange, principal: Operator, resources: Resources) -> ShareItem:
    """Change an owner's weight and the limit on its running jobs.

    What is left out stays as it is; null takes the default again. Jobs that run already go on.
    """
    return workers.grant(resources, principal, owner, change)
