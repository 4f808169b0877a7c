"""Queries on jobs. A query on behalf of an owner names the owner, so it cannot read another's jobs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, false, func, select, union_all
from sqlalchemy.orm import Session, aliased, defer

from jobs.lifecycle import usage
from jobs.spec.gate import GateState
from jobs.states import JobState
from jobs.tables import Artifact, Job, JobAttempt, JobLabel, ZooEntry, first_id_at

# Made once, for what is asked most: to make a query and to find how it was compiled takes longer than it.
_IS_JOB, _IS_OWNERS = Job.id == bindparam("job_id"), Job.owner == bindparam("owner")
_JOB = select(Job).where(_IS_JOB, _IS_OWNERS)
_STATUS = select(Job.state, Job.last_event).where(_IS_JOB)
_ATTEMPTS = select(JobAttempt).join(Job, Job.id == JobAttempt.job_id).where(_IS_JOB, _IS_OWNERS)
_ATTEMPTS = _ATTEMPTS.order_by(JobAttempt.attempt)

_MAX_COMBINATIONS = 8
"""Of states and models, that a query with labels reads one by one."""


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
    return session.scalar(_JOB, {"job_id": job_id, "owner": owner})


def without_reports(session: Session, owner: str, job_ids: Collection[UUID]) -> dict[UUID, Job]:
    """Return those of the jobs that are the owner's, by id, without reports, which can have megabytes."""
    wanted = select(Job).where(Job.owner == owner, Job.id.in_(job_ids))
    found = session.scalars(wanted.options(defer(Job.report, raiseload=True)))
    return {job.id: job for job in found}


class JobStatus(NamedTuple):
    """The status of a job, in a few bytes."""

    state: JobState
    last_event: int


def status_of(session: Session, job_id: UUID) -> JobStatus | None:
    """Return the status of a job; None if there is no such job."""
    row = session.connection().execute(_STATUS, {"job_id": job_id}).one_or_none()
    return None if row is None else JobStatus(JobState(row.state), row.last_event)


def newest(
    session: Session, owner: str, wanted: JobFilter, *, before: UUID | None, limit: int
) -> Sequence[Job]:
    """Return a page of the owner's jobs in the order of the filter, that follow the job `before` in it."""
    return session.scalars(page(owner, wanted, before, limit)).all()


def page(owner: str, wanted: JobFilter, before: UUID | None, limit: int) -> Select[Job]:
    """Return the query for a page. It leaves out reports and specifications, which lists do not show.

    Each filter has an index in the order of the list. Several states or several models have none, so the
    query reads each combination by itself and merges them. Of many combinations with labels it does not: with
    a join for each label of each, a query takes a second to write and to plan.
    """
    if wanted.models == ():
        return select(Job).where(false())
    models = wanted.models or ((wanted.model,) if wanted.model is not None else ())
    each_state: list[tuple[JobState, ...]] = [(state,) for state in wanted.states] or [()]
    each_model: list[tuple[str, ...]] = [(model,) for model in models] or [()]
    combinations = [*product(each_state, each_model)]
    if wanted.labels and len(combinations) > _MAX_COMBINATIONS:
        combinations = [(wanted.states, models)]
    one_by_one = [
        _ids(owner, wanted, states, some_models, before).limit(limit) for states, some_models in combinations
    ]
    ids = union_all(*one_by_one).subquery() if len(one_by_one) > 1 else one_by_one[0].subquery()
    in_order = Job.id.asc() if wanted.oldest_first else Job.id.desc()
    found = select(Job).join(ids, ids.c.id == Job.id).order_by(in_order).limit(limit)
    return found.options(defer(Job.report, raiseload=True), defer(Job.spec, raiseload=True))


def _ids(
    owner: str, wanted: JobFilter, states: Sequence[str], models: Sequence[str], before: UUID | None
) -> Select[Any]:
    """Return the query for the ids of the matching jobs, in order, that follow `before` in it."""
    ids, fitting = _conditions(owner, wanted, states, models)
    if before is not None:
        fitting += [each > before if wanted.oldest_first else each < before for each in ids]
    first = ids[0]
    return (
        select(first.label("id"))
        .where(*fitting)
        .order_by(first.asc() if wanted.oldest_first else first.desc())
    )


def _conditions(
    owner: str, wanted: JobFilter, states: Sequence[str], models: Sequence[str]
) -> tuple[list[Any], list[Any]]:
    """Return the columns with a job's id of the tables that a filter needs, and its conditions on them."""
    exact = {Job.method: wanted.method, Job.gate_state: wanted.gate}
    fitting: list[Any] = [column == value for column, value in exact.items() if value is not None]
    fitting += [
        column == values[0] if len(values) == 1 else column.in_(values)
        for column, values in ((Job.state, states), (Job.model, models))
        if values
    ]
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
        fitting += [each >= first_id_at(wanted.since)] if wanted.since else []
        fitting += [each < first_id_at(wanted.until)] if wanted.until else []
    return ids, fitting


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
    return session.scalars(_ATTEMPTS, {"job_id": job_id, "owner": owner}).all()


def seconds_on_workers(session: Session, job_ids: Collection[UUID]) -> dict[UUID, float]:
    """Return how long workers have had each job, in all attempts; jobs that none has had are left out."""
    by_job = select(JobAttempt.job_id, usage.SECONDS_HELD).where(JobAttempt.job_id.in_(job_ids))
    by_job = by_job.group_by(JobAttempt.job_id)
    return {job_id: max(0.0, float(seconds)) for job_id, seconds in session.execute(by_job)}


class Cut(NamedTuple):
    """What was asked for, and what the report says of it: None before the job has succeeded."""

    asked: dict[str, Any]
    units: list[dict[str, Any]] | None


_REQUESTED_CUT = Job.spec["recipe"]["structure"]
_CUT = (_REQUESTED_CUT, Job.report["structure"]["units"])
_HAS_ONE = func.jsonb_typeof(_REQUESTED_CUT) == "object"


def cuts_of_jobs(session: Session, job_ids: Collection[UUID]) -> dict[UUID, Cut]:
    """Return the cuts of those of the jobs that have one. The caller has checked whose jobs they are."""
    rows = session.execute(select(Job.id, *_CUT).where(Job.id.in_(job_ids), _HAS_ONE))
    return {job_id: Cut(*parts) for job_id, *parts in rows}


def cuts_of_entries(session: Session, slugs: Collection[str]) -> dict[str, Cut]:
    """Return the cuts of those of the zoo's entries that have one."""
    entries = select(ZooEntry.slug, *_CUT).join(Job, Job.id == ZooEntry.job_id)
    rows = session.execute(entries.where(ZooEntry.slug.in_(slugs), _HAS_ONE))
    return {slug: Cut(*parts) for slug, *parts in rows}


def models_containing(session: Session, owner: str, text: str, *, limit: int) -> Sequence[str]:
    """Return the models of the owner's jobs whose names contain `text`, ignoring case, sorted by name.

    A loose index scan: the recursive query finds the first row of each model in the index and skips to the
    next model, so the cost grows with the number of models and not of jobs. PostgreSQL does not do that for
    DISTINCT.
    """
    models = (
        select(func.min(Job.model).label("model")).where(Job.owner == owner).cte("models", recursive=True)
    )
    following = (
        select(func.min(Job.model))
        .where(Job.owner == owner, Job.model > models.c.model)
        .correlate(models)
        .scalar_subquery()
    )
    models = models.union_all(select(following).where(models.c.model.is_not(None)))
    return session.scalars(
        select(models.c.model)
        .where(models.c.model.icontains(text, autoescape=True))
        .order_by(models.c.model)
        .limit(limit)
    ).all()
