"""What the REST API and the page do with jobs: submit, list, look up, cancel, retry."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from api.actions import allowed_paths
from api.actions.waiting import WaitingReasons
from api.problems.problems import IdempotencyKeyReused, JobEnded, NotFound, NotRetriable
from api.resources import AppResources
from api.schemas.jobs import JobDetail, JobListQuery, JobPage, JobRequest, JobSummary
from jobs.lifecycle import lifecycle
from jobs.lifecycle.idempotency import KeyReused, create_once
from jobs.queries import queries
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

    Raises InvalidRequest for a path outside the allowed roots, IdempotencyKeyReused, and `quota.QueueFull`.
    """
    spec = request.spec()
    allowed_paths.check(spec, resources.settings)
    max_queued = resources.settings.max_queued_jobs
    with resources.database.begin() as session:
        if idempotency is None:
            job = lifecycle.create(session, owner, spec, request.labels, max_queued=max_queued)
            return _detail(session, job, reasons), True
        try:
            job, created = create_once(
                session,
                owner,
                idempotency.key,
                idempotency.body,
                spec,
                request.labels,
                max_queued=max_queued,
            )
        except KeyReused as error:
            raise IdempotencyKeyReused from error
        return _detail(session, job, reasons), created


def list_page(
    database: sessionmaker[Session], owner: str, query: JobListQuery, reasons: WaitingReasons
) -> JobPage:
    """Return a page of the owner's jobs."""
    with database.begin() as session:
        jobs = queries.newest(session, owner, query.filter(), before=query.cursor, limit=query.rows)
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
            lifecycle.cancel(session, owner, job_id)
        except lifecycle.Conflict as conflict:
            raise JobEnded(conflict.state) from conflict
        return detail(session, owner, job_id, reasons)


def retry(resources: AppResources, owner: str, job_id: UUID, reasons: WaitingReasons) -> JobDetail:
    """Queue a failed or cancelled job again. Raises NotFound, NotRetriable and `quota.QueueFull`."""
    with resources.database.begin() as session:
        try:
            lifecycle.retry(session, owner, job_id, max_queued=resources.settings.max_queued_jobs)
        except lifecycle.Conflict as conflict:
            raise NotRetriable(conflict.state) from conflict
        return detail(session, owner, job_id, reasons)


def _detail(session: Session, job: Job, reasons: WaitingReasons) -> JobDetail:
    attempts = list(queries.attempts(session, job.owner, job.id))
    return JobDetail.with_attempts(job, reasons.of_one(session, job), attempts)
