"""What owners may take of the workers, what they take now, and what they have used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, column, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.lifecycle import usage
from jobs.notify import QUEUE, notify_on_commit
from jobs.queue.backlog import owners_table
from jobs.states import HELD, OPEN, JobState
from jobs.tables import DailyUse, Job, JobAttempt, OwnerShare

_MAX_LISTED = 1000
_DEFAULTS: Mapping[str, Any] = {"weight": 1.0, "max_running": None}


@dataclass(frozen=True, slots=True)
class OwnerUsage:
    """An owner's share of the workers."""

    owner: str
    weight: float
    max_running: int | None
    running: int
    queued: int
    gpu_seconds: float
    cpu_seconds: float


def usage_of(session: Session, owner: str, days: int) -> OwnerUsage:
    """Return what one owner may take, what it has, and what it has used today and `days` - 1 days before."""
    return _usages(session, [owner], days)[0]


def usage_by_owner(session: Session, days: int) -> list[OwnerUsage]:
    """Return every owner that has a share, a job that is queued or runs, or any use in these days, by name.

    At most 1,000.
    """
    open_jobs = select(Job.owner).where(Job.state.in_(OPEN))
    known = select(OwnerShare.owner).union(open_jobs, select(DailyUse.owner).where(_in_last_days(days)))
    owners = session.scalars(known.order_by(column("owner")).limit(_MAX_LISTED)).all()
    return _usages(session, owners, days) if owners else []


def grant_share(session: Session, owner: str, changes: Mapping[str, Any]) -> None:
    """Change what an owner may take, in the columns that are named. Jobs that run already go on.

    None: back to the default.
    """
    notify_on_commit(session, QUEUE)
    granted = {name: _DEFAULTS[name] if value is None else value for name, value in changes.items()}
    row = insert(OwnerShare).values(owner=owner, **granted)
    session.execute(
        row.on_conflict_do_update(index_elements=[OwnerShare.owner], set_=granted)
        if granted
        else row.on_conflict_do_nothing()
    )


def _usages(session: Session, owners: Sequence[str], days: int) -> list[OwnerUsage]:
    wanted = owners_table(owners)
    now, before = _used_now(owners).subquery(), _used_before(owners, days).subquery()
    queued = (
        select(Job.owner, func.count().label("queued"))
        .where(Job.owner.in_(owners), Job.state == JobState.QUEUED)
        .group_by(Job.owner)
        .subquery()
    )
    rows = session.execute(
        select(
            wanted.c.owner,
            func.coalesce(OwnerShare.weight, 1.0).label("weight"),
            OwnerShare.max_running,
            func.coalesce(now.c.running, 0).label("running"),
            func.coalesce(queued.c.queued, 0).label("queued"),
            (func.coalesce(now.c.gpu, 0.0) + func.coalesce(before.c.gpu, 0.0)).label("gpu_seconds"),
            (func.coalesce(now.c.cpu, 0.0) + func.coalesce(before.c.cpu, 0.0)).label("cpu_seconds"),
        )
        .select_from(wanted)
        .outerjoin(OwnerShare, OwnerShare.owner == wanted.c.owner)
        .outerjoin(now, now.c.owner == wanted.c.owner)
        .outerjoin(before, before.c.owner == wanted.c.owner)
        .outerjoin(queued, queued.c.owner == wanted.c.owner)
        .order_by(wanted.c.owner)
    )
    return [
        OwnerUsage(**{field.name: getattr(row, field.name) for field in fields(OwnerUsage)}) for row in rows
    ]


def _used_now(owners: Sequence[str]) -> Select[str, int, int, int]:
    """Return the query for the jobs that run, and what their attempts have used so far."""
    seconds = func.extract("epoch", usage.held_until(Job.id) - JobAttempt.started_at)
    gpus = func.coalesce(JobAttempt.gpus, 0)
    return (
        select(
            Job.owner,
            func.count().label("running"),
            func.sum(seconds * gpus).label("gpu"),
            func.coalesce(func.sum(seconds).filter(gpus == 0), literal(0.0)).label("cpu"),
        )
        .join(JobAttempt, and_(JobAttempt.job_id == Job.id, JobAttempt.attempt == Job.attempt))
        .where(Job.owner.in_(owners), Job.state.in_(HELD))
        .group_by(Job.owner)
    )


def _used_before(owners: Sequence[str], days: int) -> Select[str, float, float]:
    """Return the query for what attempts that ended in these days have used."""
    return (
        select(
            DailyUse.owner,
            func.sum(DailyUse.gpu_seconds).label("gpu"),
            func.sum(DailyUse.cpu_seconds).label("cpu"),
        )
        .where(DailyUse.owner.in_(owners), _in_last_days(days))
        .group_by(DailyUse.owner)
    )


def _in_last_days(days: int) -> ColumnElement[bool]:
    return DailyUse.day > usage.today() - days
