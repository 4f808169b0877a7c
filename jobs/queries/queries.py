"""Queries on jobs. A query on behalf of an owner names the owner, so it cannot read another's jobs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, func, select, union_all
from sqlalchemy.orm import Session, aliased, defer

from jobs.spec.gate import GateState
from jobs.states import JobState
from jobs.tables import NOW, Artifact, Job, JobAttempt, JobLabel, first_id_at


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Conditions on the jobs to list. An empty field does not restrict the list."""

    states: tuple[JobState, ...] = ()
    method: str | None = None
    model: str | None = None
    gate: GateState | None = None
    labels: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] | None = None  # any of these: the result of a search by name
    since: datetime | None = None  # submitted then or later, to the millisecond
    until: datetime | None = None  # submitted before
    oldest_first: bool = False


def get(session: Session, owner: str, job_id: UUID) -> Job | None:
    """Return one of the owner's jobs."""
    return session.scalar(select(Job).where(Job.id == job_id, Job.owner == owner))


def standing(session: Session, job_id: UUID, owner: str | None = None) -> tuple[JobState, int] | None:
    """Return the state of a job and the id of its last event.

    None if there is no such job, or if an owner is named who has none.
    """
    found = select(Job.state, Job.last_event).where(Job.id == job_id)
    row = session.execute(found if owner is None else found.where(Job.owner == owner)).one_or_none()
    return None if row is None else (JobState(row.state), row.last_event)


def newest(
    session: Session, owner: str, wanted: JobFilter, *, before: UUID | None, limit: int
) -> Sequence[Job]:
    """Return a page of the owner's jobs in the order of the filter, that follow the job `before` in it."""
    return session.scalars(page(owner, wanted, before, limit)).all()


def page(owner: str, wanted: JobFilter, before: UUID | None, limit: int) -> Select[Job]:
    """Return the query for a page. It leaves out reports and specifications, which lists do not show.

    Each filter has an index in the order of the list. Several states or several models have none, so the
    query reads each combination by itself and merges them.
    """
    if wanted.models == ():
        return select(Job).where(false())
    one_by_one = [
        _ids(owner, wanted, state, model, before).limit(limit)
        for state in wanted.states or (None,)
        for model in wanted.models or (wanted.model,)
    ]
    ids = union_all(*one_by_one).subquery() if len(one_by_one) > 1 else one_by_one[0].subquery()
    in_order = Job.id.asc() if wanted.oldest_first else Job.id.desc()
    query = select(Job).join(ids, ids.c.id == Job.id).order_by(in_order).limit(limit)
    return query.options(defer(Job.report, raiseload=True), defer(Job.spec, raiseload=True))


def _ids(
    owner: str, wanted: JobFilter, state: JobState | None, model: str | None, before: UUID | None
) -> Select[Any]:
    """Return the query for the ids of the matching jobs, in order, that follow `before` in it."""
    exact = {Job.state: state, Job.method: wanted.method, Job.model: model, Job.gate_state: wanted.gate}
    fitting: list[Any] = [column == value for column, value in exact.items() if value is not None]
    labels = [(aliased(JobLabel), name, value) for name, value in wanted.labels]
    ids: list[Any] = [label.job_id for label, _, _ in labels]
    if fitting or not labels:
        ids.append(Job.id)
        fitting.append(Job.owner == owner)
    for label, name, value in labels:
        fitting += [label.owner == owner, label.name == name, label.value == value]
    first, *others = ids
    fitting += [first == other for other in others]
    # The planner does not derive the bound on one table from the bound on the other.
    for each in ids:
        if before is not None:
            fitting.append(each > before if wanted.oldest_first else each < before)
        fitting += [each >= first_id_at(wanted.since)] if wanted.since else []
        fitting += [each < first_id_at(wanted.until)] if wanted.until else []
    return (
        select(first.label("id"))
        .where(*fitting)
        .order_by(first.asc() if wanted.oldest_first else first.desc())
    )


def artifacts(session: Session, owner: str, job_id: UUID) -> Sequence[Artifact]:
    """Return the artifacts of one of the owner's jobs, sorted by name."""
    return session.scalars(
        select(Artifact)
        .join(Job, Job.id == Artifact.job_id)
        .where(Job.id == job_id, Job.owner == owner)
        .order_by(Artifact.name)
    ).all()


def artifact(session: Session, owner: str, job_id: UUID, artifact_id: UUID) -> Artifact | None:
    """Return one artifact of one of the owner's jobs."""
    return session.scalar(
        select(Artifact)
        .join(Job, Job.id == Artifact.job_id)
        .where(Artifact.id == artifact_id, Job.id == job_id, Job.owner == owner)
    )


def attempts(session: Session, owner: str, job_id: UUID) -> Sequence[JobAttempt]:
    """Return the attempts of one of the owner's jobs, first to last."""
    return session.scalars(
        select(JobAttempt)
        .join(Job, Job.id == JobAttempt.job_id)
        .where(Job.id == job_id, Job.owner == owner)
        .order_by(JobAttempt.attempt)
    ).all()


def seconds_on_workers(session: Session, job_ids: Collection[UUID]) -> dict[UUID, float]:
    """Return how long workers have had each job, in all attempts; jobs that none has had are left out."""
    ended = func.coalesce(JobAttempt.ended_at, NOW)
    spent = func.sum(func.extract("epoch", ended - JobAttempt.started_at))
    by_job = (
        select(JobAttempt.job_id, spent).where(JobAttempt.job_id.in_(job_ids)).group_by(JobAttempt.job_id)
    )
    return {job_id: max(0.0, float(seconds)) for job_id, seconds in session.execute(by_job)}


def is_result_of(session: Session, job_id: UUID, attempt: int) -> bool:
    """Return whether this attempt made the job succeed. Waits for a transaction that is deciding it."""
    row = session.execute(
        select(Job.state, Job.attempt).where(Job.id == job_id).with_for_update()
    ).one_or_none()
    return row is not None and (row.state, row.attempt) == (JobState.SUCCEEDED, attempt)
