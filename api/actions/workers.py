"""The workers, the queues, and what owners may take of them, for those who run the service."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from api.problems.catalogue import NotFound
from api.resources import AppResources
from api.schemas.workers import (
    Availability,
    QueueItem,
    QueueList,
    ShareChange,
    ShareItem,
    ShareList,
    WorkerItem,
    WorkerList,
)
from jobs import limits
from jobs.access import audit
from jobs.access.api_keys import Principal, Scope
from jobs.access.audit import Action
from jobs.queue import conditions, overview
from jobs.queue import shares as owner_shares

DAYS = 30
"""The days of use that are counted where none are asked for."""


_CHANGES: dict[Availability, tuple[Callable[[Session, str], bool], Action]] = {
    Availability.ACTIVE: (conditions.uncordon, Action.WORKER_UNCORDONED),
    Availability.CORDONED: (conditions.cordon, Action.WORKER_CORDONED),
    Availability.DRAINING: (conditions.drain, Action.WORKER_DRAINED),
}


def list_workers(resources: AppResources, principal: Principal) -> WorkerList:
    """Return the workers that are alive or were within the last hour.

    The list names the jobs of other owners, which is recorded in the audit log.
    """
    with resources.database.begin() as session:
        found = overview.worker_statuses(session, limits.LEASE_SECONDS)
        listed = WorkerList(items=[WorkerItem.of(seen) for seen in found])
        owners = {worker.job.owner for worker in listed.items if worker.job is not None}
        if owners - {principal.owner}:
            audit.record_read(session, principal, "GET /v1/workers")
    return listed


def steer(resources: AppResources, principal: Principal, name: str, availability: Availability) -> WorkerItem:
    """Cordon, uncordon or drain a worker, with a record in the audit log. Raises NotFound."""
    change, action = _CHANGES[availability]
    with resources.database.begin() as session:
        changed = change(session, name)
        seen = overview.worker_status(session, name, limits.LEASE_SECONDS) if changed else None
        if seen is None:
            raise NotFound("There is no such worker: it has ended, or was not heard of for an hour.")
        audit.record(session, action, principal, f"worker {name}")
        return WorkerItem.of(seen)


def list_queues(resources: AppResources) -> QueueList:
    """Return the queues with their numbers of jobs and workers."""
    with resources.database.begin() as session:
        found = overview.queue_statuses(session, limits.LEASE_SECONDS)
        return QueueList(items=[QueueItem.model_validate(seen) for seen in found])


def steer_queue(resources: AppResources, principal: Principal, name: str, *, paused: bool) -> QueueItem:
    """Pause or resume a queue, with a record in the audit log. Raises NotFound."""
    seconds = limits.LEASE_SECONDS
    with resources.database.begin() as session:
        if overview.queue_status(session, name, seconds) is None:
            raise NotFound("There is no such queue: no worker reads it, and no job waits in it.")
        if paused:
            conditions.pause(session, name, principal.owner)
            action = Action.QUEUE_PAUSED
        else:
            conditions.resume(session, name)
            action = Action.QUEUE_RESUMED
        audit.record(session, action, principal, f"queue {name}")
        return QueueItem.model_validate(overview.queue_status(session, name, seconds))


def shares(resources: AppResources, principal: Principal, days: int) -> ShareList:
    """Return what owners may take and have used: the principal's, and for an admin all, with a record."""
    with resources.database.begin() as session:
        own = owner_shares.usage_of(session, principal.owner, days)
        others = owner_shares.usage_by_owner(session, days) if Scope.ADMIN in principal.scopes else []
        by_owner = {each.owner: each for each in (own, *others)}
        found = [by_owner[owner] for owner in sorted(by_owner)]
        if {each.owner for each in found} - {principal.owner}:
            audit.record_read(session, principal, "GET /v1/owners")
        return ShareList(items=[ShareItem.model_validate(each) for each in found])


def grant(resources: AppResources, principal: Principal, owner: str, change: ShareChange) -> ShareItem:
    """Change what an owner may take, with a record of what was named in the audit log."""
    with resources.database.begin() as session:
        owner_shares.grant_share(session, owner, change.model_dump(exclude_unset=True))
        named = change.model_dump_json(exclude_unset=True)
        audit.record(session, Action.SHARE_GRANTED, principal, f"share {named}", owner)
        return ShareItem.model_validate(owner_shares.usage_of(session, owner, DAYS))
