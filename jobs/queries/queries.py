"""What is read about jobs. An owner's reads name the owner: there is no way to read another's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, select, union_all
from sqlalchemy.orm import Session, aliased, defer

from jobs.spec.gate import GateState
from jobs.states import JobState
from jobs.tables import Artifact, Job, JobAttempt, JobLabel


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which of an owner's jobs to list; a field left empty does not narrow."""

    states: tuple[JobState, ...] = ()
    method: str | None = None
    model: str | None = None
    gate: GateState | None = None
    labels: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] | None = None  # any of these, as a search has found them


def get(session: Session, owner: str, job_id: UUID) -> Job | None:
    """One of the owner's jobs."""
    return session.scalar(select(Job).where(Job.id == job_id, Job.owner == owner))


def last_event(session: Session, owner: str, job_id: UUID) -> int | None:
    """The id of the last event of one of the owner's jobs. None: the owner has no such job."""
    return session.scalar(select(Job.last_event).where(Job.id == job_id, Job.owner == owner))


def standing(session: Session, job_id: UUID) -> tuple[JobState, int] | None:
    """The state of a job, whoever owns it, and the id of its last event. None: it was deleted."""
    row = session.execute(select(Job.state, Job.last_event).where(Job.id == job_id)).one_or_none()
    return None if row is None else (JobState(row.state), row.last_event)


def newest(
    session: Session, owner: str, wanted: JobFilter, *, before: UUID | None, limit: int
) -> Sequence[Job]:
    """A page of the owner's jobs, newest first, that come after the one with the id `before`."""
    return session.scalars(page(owner, wanted, before, limit)).all()


def page(owner: str, wanted: JobFilter, before: UUID | None, limit: int) -> Select[Job]:
    """The query for a page. Without reports: a list shows a few figures, and a report lists every layer.

    Each filter has an index in the order of the list. Several states have none, nor have several models, so
    each is read by itself.
    """
    if wanted.models == ():
        return select(Job).where(false())
    one_by_one = [
        _ids(owner, wanted, state, model, before).limit(limit)
        for state in wanted.states or (None,)
        for model in wanted.models or (wanted.model,)
    ]
    ids = union_all(*one_by_one).subquery() if len(one_by_one) > 1 else one_by_one[0].subquery()
    query = select(Job).join(ids, ids.c.id == Job.id).order_by(Job.id.desc()).limit(limit)
    return query.options(defer(Job.report, raiseload=True), defer(Job.spec, raiseload=True))


def _ids(
    owner: str, wanted: JobFilter, state: JobState | None, model: str | None, before: UUID | None
) -> Select[Any]:
    """The ids of the jobs that fit, newest first, each table read from `before` on."""
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
    # The planner does not conclude the one bound from the other.
    fitting += [] if before is None else [each < before for each in ids]
    return select(first.label("id")).where(*fitting).order_by(first.desc())


def artifacts(session: Session, owner: str, job_id: UUID) -> Sequence[Artifact]:
    """The artifacts of one of the owner's jobs, by name."""
    return session.scalars(
        select(Artifact)
        .join(Job, Job.id == Artifact.job_id)
        .where(Job.id == job_id, Job.owner == owner)
        .order_by(Artifact.name)
    ).all()


def artifact(session: Session, owner: str, job_id: UUID, artifact_id: UUID) -> Artifact | None:
    """One artifact of one of the owner's jobs."""
    return session.scalar(
        select(Artifact)
        .join(Job, Job.id == Artifact.job_id)
        .where(Artifact.id == artifact_id, Job.id == job_id, Job.owner == owner)
    )


def attempts(session: Session, owner: str, job_id: UUID) -> Sequence[JobAttempt]:
    """The attempts of one of the owner's jobs, first to last."""
    return session.scalars(
        select(JobAttempt)
        .join(Job, Job.id == JobAttempt.job_id)
        .where(Job.id == job_id, Job.owner == owner)
        .order_by(JobAttempt.attempt)
    ).all()


def is_result_of(session: Session, job_id: UUID, attempt: int) -> bool:
    """Whether the job has succeeded, by this attempt. Waits for a transaction that is just deciding it."""
    row = session.execute(
        select(Job.state, Job.attempt).where(Job.id == job_id).with_for_update()
    ).one_or_none()
    return row is not None and (row.state, row.attempt) == (JobState.SUCCEEDED, attempt)
