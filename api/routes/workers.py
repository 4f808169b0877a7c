"""The workers, the queues, and what owners may take of them, for those who run this service."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.actions import workers
from api.actions.workers import DAYS, QueueAct, WorkerAct
from api.problems.problem import documented
from api.problems.problems import InvalidRequest, MalformedRequest, NotFound, UnsupportedMediaType
from api.resources import Resources
from api.schemas.workers import (
    Days,
    QueueItem,
    QueueList,
    ShareChange,
    ShareItem,
    ShareList,
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

_PROBLEMS = documented(NotFound, InvalidRequest)
_CHANGE_PROBLEMS = documented(MalformedRequest, UnsupportedMediaType, InvalidRequest)


@router.get("/workers", summary="List the workers")
def list_workers(principal: Admin, resources: Resources) -> WorkerList:
    """List the workers of the last hour: what each does, or why it takes no jobs."""
    return workers.list_workers(resources, principal)


@router.post("/workers/{worker}/cordon", summary="Let a worker take no more jobs", responses=_PROBLEMS)
def cordon_worker(worker: WorkerName, principal: Operator, resources: Resources) -> WorkerItem:
    """Cordon a worker: a job that it runs goes on, and it takes no other until it is uncordoned."""
    return workers.steer(resources, principal, worker, WorkerAct.CORDON)


@router.post("/workers/{worker}/uncordon", summary="Let a worker take jobs again", responses=_PROBLEMS)
def uncordon_worker(worker: WorkerName, principal: Operator, resources: Resources) -> WorkerItem:
    """Uncordon a worker, also one that is being drained and has not ended yet."""
    return workers.steer(resources, principal, worker, WorkerAct.UNCORDON)


@router.post("/workers/{worker}/drain", summary="Let a worker end after its job", responses=_PROBLEMS)
def drain_worker(worker: WorkerName, principal: Operator, resources: Resources) -> WorkerItem:
    """Drain a worker: it finishes its job, takes no other, and ends with exit code 0.

    Whatever restarts processes may start a new one in its place.
    """
    return workers.steer(resources, principal, worker, WorkerAct.DRAIN)


@router.get("/queues", summary="List the queues")
def list_queues(_principal: Admin, resources: Resources) -> QueueList:
    """List the queues with their jobs and workers, and who has paused one."""
    return workers.list_queues(resources)


@router.post("/queues/{queue}/pause", summary="Pause a queue", responses=_PROBLEMS)
def pause_queue(queue: QueueName, principal: Operator, resources: Resources) -> QueueItem:
    """Let no worker claim a job of a queue. Jobs that run go on, and new ones are accepted and wait."""
    return workers.steer_queue(resources, principal, queue, QueueAct.PAUSE)


@router.post("/queues/{queue}/resume", summary="Resume a queue", responses=_PROBLEMS)
def resume_queue(queue: QueueName, principal: Operator, resources: Resources) -> QueueItem:
    """Let workers claim the jobs of a queue again."""
    return workers.steer_queue(resources, principal, queue, QueueAct.RESUME)


@router.get(
    "/owners", summary="List what owners may take and have used", responses=documented(InvalidRequest)
)
def list_shares(principal: Admin, resources: Resources, days: Days = DAYS) -> ShareList:
    """List every owner with its share of the workers, its jobs, and the GPU seconds of the last days."""
    return workers.shares_of_all(resources, principal, days)


@router.patch("/owners/{owner}/share", summary="Change an owner's share", responses=_CHANGE_PROBLEMS)
def set_share(owner: OwnerName, change: ShareChange, principal: Operator, resources: Resources) -> ShareItem:
    """Change an owner's weight, the limit on its running jobs, and whether its priority counts before others.

    What is left out stays as it is; null takes the default again. Jobs that run already go on.
    """
    return workers.grant(resources, principal, owner, change)


@router.get("/share", summary="Look up your share of the workers", responses=documented(InvalidRequest))
def get_share(principal: Reader, resources: Resources, days: Days = DAYS) -> ShareItem:
    """Return what you may take of the workers, how many of your jobs run, and your GPU seconds."""
    return workers.share_of(resources, principal.owner, days)
