"""What the REST API and the page do with jobs: submit, list, look up, cancel, change, retry, delete."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from api.actions import preflight, request_checks
from api.actions.parse_job import parse_job
from api.actions.waiting import WaitingReasons
from api.problems.problems import (
    IdempotencyKeyReused,
    JobEnded,
    NotDeletable,
    NotFound,
    NotQueued,
    NotRetriable,
)
from api.resources import AppResources
from api.schemas.jobs.answers import JobDetail, JobPage, JobSummary
from api.schemas.jobs.query import MAX_MODELS, JobListQuery
from api.schemas.jobs.requests import CompleteRequest, JobChange, JobChanges, JobRequest
from jobs.lifecycle import deletion, owner_moves
from jobs.lifecycle.idempotency import KeyReused, made_before, make_once
from jobs.queries import queries
from jobs.queries.models import models_containing
from jobs.states import JobState
from jobs.tables import Job

NO_SUCH_JOB = "There is no such job, or it belongs to another owner."


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A key that makes a repeated request safe, and the body that it stands for."""

    key: str
    body: bytes


def submit(
    resources: AppResources,
    owner: str,
    request: JobRequest,
    reasons: WaitingReasons,
    idempotency: Idempotency | None = None,
) -> tuple[JobDetail, bool]:
    """Queue a job. Returns it, and whether this call created it: a repeated request returns the first job.

    Raises InvalidRequest for a path outside the allowed roots and for files that are wrong,
    IdempotencyKeyReused, and `quota.QueueFull`.
    """
    spec = request.spec()
    request_checks.check(spec, resources.settings)
    if idempotency is not None and (first := _submitted_before(resources, owner, idempotency, reasons)):
        return first, False
    pending = not preflight.check(resources, owner, spec)
    max_queued = resources.settings.max_queued_jobs
    with resources.database.begin() as session:

        def make() -> Job:
            return owner_moves.create(
                session,
                owner,
                spec,
                request.labels,
                priority=request.priority,
                max_queued=max_queued,
                checks_pending=pending,
            )

        if idempotency is None:
            return _detail(session, make(), reasons), True
        try:
            job, created = make_once(session, owner, idempotency.key, idempotency.body, Job, make)
        except KeyReused as error:
            raise IdempotencyKeyReused(str(error)) from error
        return _detail(session, job, reasons), created


def rerun(
    resources: AppResources,
    owner: str,
    job_id: UUID,
    changes: JobChanges,
    reasons: WaitingReasons,
    idempotency: Idempotency | None = None,
) -> tuple[JobDetail, bool]:
    """Queue a new job: the request of one of the owner's jobs, with changes.

    Raises NotFound, RequestValidationError for changes that give no valid request, and what `submit` raises.
    """
    with resources.database.begin() as session:
        request = CompleteRequest.of(find(session, owner, job_id))
    if idempotency is not None:
        idempotency = Idempotency(idempotency.key, b"%s %s" % (job_id.bytes, idempotency.body))
    return submit(resources, owner, parse_job(changes.applied_to(request)), reasons, idempotency)


def list_page(
    database: sessionmaker[Session], owner: str, query: JobListQuery, reasons: WaitingReasons
) -> JobPage:
    """Return a page of the owner's jobs."""
    with database.begin() as session:
        wanted = query.filter()
        if query.search is not None and wanted.models is None:
            found = models_containing(session, owner, query.search, limit=MAX_MODELS)
            wanted = replace(wanted, models=tuple(found))
        jobs = queries.newest(session, owner, wanted, before=query.cursor, limit=query.rows)
        waiting = reasons.of(session, jobs)
    return JobPage.of(jobs, query, lambda job: JobSummary.of(job, waiting.get(job.id)))


def detail(session: Session, owner: str, job_id: UUID, reasons: WaitingReasons) -> JobDetail:
    """Return one of the owner's jobs. Raises NotFound."""
    return _detail(session, find(session, owner, job_id), reasons)


def find(session: Session, owner: str, job_id: UUID) -> Job:
    """Return the row of one of the owner's jobs. Raises NotFound."""
    job = queries.get(session, owner, job_id)
    if job is None:
        raise NotFound(NO_SUCH_JOB)
    return job


def cancel(database: sessionmaker[Session], owner: str, job_id: UUID, reasons: WaitingReasons) -> JobDetail:
    """Cancel a queued job, or ask the worker of a running one to stop. Raises NotFound and JobEnded."""
    with database.begin() as session:
        try:
            owner_moves.cancel(session, owner, job_id)
        except owner_moves.Conflict as conflict:
            raise JobEnded(conflict.state) from conflict
        return detail(session, owner, job_id, reasons)


def change(
    database: sessionmaker[Session], owner: str, job_id: UUID, changed: JobChange, reasons: WaitingReasons
) -> JobDetail:
    """Change the priority of a queued job. Raises NotFound and NotQueued."""
    with database.begin() as session:
        try:
            if changed.priority is not None:
                owner_moves.set_priority(session, owner, job_id, changed.priority)
                reasons.waits.forget()
        except owner_moves.Conflict as conflict:
            raise NotQueued(conflict.state) from conflict
        shown = detail(session, owner, job_id, reasons)
    if changed.priority is not None:  # the row read before the commit lacked it
        reasons.waits.forget()
    return shown


def retry(resources: AppResources, owner: str, job_id: UUID, reasons: WaitingReasons) -> JobDetail:
    """Queue a failed or cancelled job again. Raises NotFound, NotRetriable and `quota.QueueFull`."""
    with resources.database.begin() as session:
        try:
            owner_moves.retry(session, owner, job_id, max_queued=resources.settings.max_queued_jobs)
        except owner_moves.Conflict as conflict:
            raise NotRetriable(conflict.state) from conflict
        return detail(session, owner, job_id, reasons)


def delete(database: sessionmaker[Session], owner: str, job_id: UUID) -> None:
    """Delete a job that has ended, with its files. Raises NotFound and NotDeletable."""
    try:
        with database.begin() as session:
            if not deletion.delete(session, owner, job_id):
                raise NotFound(NO_SUCH_JOB)
    except owner_moves.Conflict as conflict:
        what = "Wait for its end." if conflict.state == JobState.CANCELLING else "Cancel it first."
        raise NotDeletable(f"The job is {conflict.state}. {what}") from conflict
    except deletion.Needed as needed:
        raise NotDeletable(str(needed)) from needed


def _submitted_before(
    resources: AppResources, owner: str, idempotency: Idempotency, reasons: WaitingReasons
) -> JobDetail | None:
    """Return the job of an earlier request: its files are not looked at again."""
    with resources.database.begin() as session:
        try:
            job = made_before(session, owner, idempotency.key, idempotency.body, Job)
        except KeyReused as error:
            raise IdempotencyKeyReused(str(error)) from error
        return None if job is None else _detail(session, job, reasons)


def _detail(session: Session, job: Job, reasons: WaitingReasons) -> JobDetail:
    attempts = list(queries.attempts(session, job.owner, job.id)) if job.attempt else []
    return JobDetail.with_attempts(job, reasons.of_one(session, job), attempts)
