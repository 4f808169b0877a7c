"""The workers, the queues, and what owners may take of them, for those who run this service."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy.orm import Session

from api.problems.base import documented
from api.problems.catalogue import InvalidRequest, MalformedRequest, NotFound, UnsupportedMediaType
from api.resources import Database
from api.schemas.workers import (
    Availability,
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
from jobs import limits
from jobs.access import audit
from jobs.access.api_keys import Principal, Scope
from jobs.access.audit import Action
from jobs.queue import conditions, overview, shares
from pruning.recipe import Text

router = APIRouter(prefix="/v1", tags=["workers"])

Admin = Annotated[Principal, requires(Scope.ADMIN)]
Operator = Annotated[Principal, requires(Scope.ADMIN, Scope.JOBS_WRITE)]
WorkerName = Annotated[Text, Path(description="The worker's `name`.")]
QueueName = Annotated[Text, Path(description="The queue's `name`.")]
OwnerName = Annotated[Text, Path(description="The owner's name.")]

_DAYS = 30
"""The days of use that are counted where none are asked for."""

_CHANGES: dict[Availability, tuple[Callable[[Session, str], bool], Action]] = {
    Availability.ACTIVE: (conditions.uncordon, Action.WORKER_UNCORDONED),
    Availability.CORDONED: (conditions.cordon, Action.WORKER_CORDONED),
    Availability.DRAINING: (conditions.drain, Action.WORKER_DRAINED),
}

_CHANGE_PROBLEMS = documented(MalformedRequest, UnsupportedMediaType, InvalidRequest)
_PROBLEMS = {**documented(NotFound), **_CHANGE_PROBLEMS}


@router.get("/workers", summary="List the workers")
def list_workers(principal: Admin, database: Database) -> WorkerList:
    """List the workers of the last hour: what each does, or why it takes no jobs."""
    with database.begin() as session:
        found = overview.worker_statuses(session, limits.LEASE_SECONDS)
        listed = WorkerList(items=[WorkerItem.of(seen) for seen in found])
        # The list names the jobs of other owners.
        if {worker.job.owner for worker in listed.items if worker.job is not None} - {principal.owner}:
            audit.record_read(session, principal, "GET /v1/workers")
    return listed


@router.patch("/workers/{worker}", summary="Cordon or drain a worker", responses=_PROBLEMS)
def change_worker(
    worker: WorkerName, change: WorkerChange, principal: Operator, database: Database
) -> WorkerItem:
    """Let a worker take jobs or none. A job that it runs goes on.

    One that is drained ends with exit code 0 once it runs none; what restarts processes may start another.
    """
    apply, action = _CHANGES[change.availability]
    with database.begin() as session:
        changed = apply(session, worker)
        seen = overview.worker_status(session, worker, limits.LEASE_SECONDS) if changed else None
        if seen is None:
            raise NotFound("There is no such worker: it has ended, or was not heard of for an hour.")
        audit.record(session, action, principal, f"worker {worker}")
        return WorkerItem.of(seen)


@router.get("/queues", summary="List the queues")
def list_queues(_principal: Admin, database: Database) -> QueueList:
    """List the queues with their jobs and workers, and who has paused one."""
    with database.begin() as session:
        found = overview.queue_statuses(session, limits.LEASE_SECONDS)
        return QueueList(items=[QueueItem.model_validate(seen) for seen in found])


@router.patch("/queues/{queue}", summary="Pause or resume a queue", responses=_PROBLEMS)
def change_queue(queue: QueueName, change: QueueChange, principal: Operator, database: Database) -> QueueItem:
    """Let no worker claim a job of a queue, or let them again. Jobs that run go on, and new ones wait."""
    seconds = limits.LEASE_SECONDS
    with database.begin() as session:
        if overview.queue_status(session, queue, seconds) is None:
            raise NotFound("There is no such queue: no worker reads it, and no job waits in it.")
        if change.paused:
            conditions.pause(session, queue, principal.owner)
            action = Action.QUEUE_PAUSED
        else:
            conditions.resume(session, queue)
            action = Action.QUEUE_RESUMED
        audit.record(session, action, principal, f"queue {queue}")
        return QueueItem.model_validate(overview.queue_status(session, queue, seconds))


@router.get(
    "/shares", summary="List what owners may take and have used", responses=documented(InvalidRequest)
)
def list_shares(principal: Reader, database: Database, days: Days = _DAYS) -> ShareList:
    """List every owner with its share of the workers, its jobs, and the GPU seconds of the last days.

    Without the scope `admin` it has your own alone.
    """
    with database.begin() as session:
        own = shares.usage_of(session, principal.owner, days)
        others = shares.usage_by_owner(session, days) if Scope.ADMIN in principal.scopes else []
        by_owner = {each.owner: each for each in (own, *others)}
        found = [by_owner[owner] for owner in sorted(by_owner)]
        if {each.owner for each in found} - {principal.owner}:
            audit.record_read(session, principal, "GET /v1/shares")
        return ShareList(items=[ShareItem.model_validate(each) for each in found])


@router.patch("/shares/{owner}", summary="Change an owner's share", responses=_CHANGE_PROBLEMS)
def set_share(owner: OwnerName, change: ShareChange, principal: Operator, database: Database) -> ShareItem:
    """Change an owner's weight and the limit on its running jobs.

    What is left out stays as it is; null takes the default again. Jobs that run already go on.
    """
    with database.begin() as session:
        shares.grant_share(session, owner, change.model_dump(exclude_unset=True))
        named = change.model_dump_json(exclude_unset=True)
        audit.record(session, Action.SHARE_CHANGED, principal, f"share {named}", owner)
        return ShareItem.model_validate(shares.usage_of(session, owner, _DAYS))
