"""What the REST API and the page do with jobs: submit, list, look up, cancel, retry, delete."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from api.actions import checks
from api.http.parameters import Idempotency
from api.problems.catalogue import JobEnded, NotDeletable, NotFound, NotRetriable
from api.resources import AppResources
from api.schemas.job_requests import MAX_MODELS, JobListQuery, JobRequest
from api.schemas.jobs import JobDetail, JobPage, JobSummary, Waiting
from jobs import queries
from jobs.access.api_keys import Principal, Scope
from jobs.lifecycle import owner_moves
from jobs.lifecycle.idempotency import create_once, created_before
from jobs.queries import models_containing
from jobs.queue.waiting import Waits
from jobs.states import JobState
from jobs.tables import Job


@dataclass(frozen=True, slots=True)
class WaitingReasons:
    """Finds the reasons for one principal: only an admin reads what is wrong with the workers."""

    waits: Waits
    with_faults: bool

    @classmethod
    def visible_to(cls, principal: Principal, resources: AppResources) -> Self:
        """Return the object that finds the reasons visible to this principal."""
        return cls(resources.waits, Scope.ADMIN in principal.scopes)

    def of(self, session: Session, jobs: Sequence[Job]) -> dict[UUID, Waiting]:
        """Return the waiting reason of each of these jobs that waits."""
        found = self.waits.of(session, jobs)
        return {
            job.id: Waiting.of(job, found[job.id], with_faults=self.with_faults)
            for job in jobs
            if job.id in found
        }

    def of_one(self, session: Session, job: Job) -> Waiting | None:
        """Return why a job waits; None if it does not."""
        return self.of(session, [job]).get(job.id)


NO_SUCH_JOB = "There is no such job, or it belongs to another owner."


def submit(
    resources: AppResources,
    principal: Principal,
    request: JobRequest,
    idempotency: Idempotency | None = None,
) -> tuple[JobDetail, bool]:
    """Queue a job. Returns it, and whether this call created it: a repeated request returns the first job.

    Raises InvalidRequest for a path outside the allowed roots and for files that are wrong,
    `idempotency.KeyReused`, and `owner_moves.QueueFull`.
    """
    spec, owner = request.spec(), principal.owner
    reasons = WaitingReasons.visible_to(principal, resources)
    checks.check_paths(spec, resources.settings)
    if idempotency is not None and (first := _submitted_before(resources, owner, idempotency, reasons)):
        return first, False
    checks.check_files(resources, owner, spec)
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
            )

        if idempotency is None:
            return _detail(session, make(), reasons), True
        job, created = create_once(session, owner, idempotency.key, idempotency.body, Job, make)
        return _detail(session, job, reasons), created


def list_page(resources: AppResources, principal: Principal, owner: str, query: JobListQuery) -> JobPage:
    """Return a page of the owner's jobs."""
    with resources.database.begin() as session:
        wanted = query.filter()
        if query.search is not None:
            found = models_containing(session, owner, query.search, limit=MAX_MODELS)
            wanted = replace(wanted, models=tuple(found))
        jobs = queries.newest(session, owner, wanted, before=query.cursor, limit=query.rows)
        waiting = WaitingReasons.visible_to(principal, resources).of(session, jobs)
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


def cancel(resources: AppResources, principal: Principal, owner: str, job_id: UUID) -> JobDetail:
    """Cancel a queued job, or ask the worker of a running one to stop. Raises NotFound and JobEnded."""
    reasons = WaitingReasons.visible_to(principal, resources)
    with resources.database.begin() as session:
        try:
            owner_moves.cancel(session, owner, job_id)
        except owner_moves.Conflict as conflict:
            raise JobEnded(conflict.state) from conflict
        return detail(session, owner, job_id, reasons)


def retry(resources: AppResources, principal: Principal, owner: str, job_id: UUID) -> JobDetail:
    """Queue a failed or cancelled job again. Raises NotFound, NotRetriable and `owner_moves.QueueFull`."""
    reasons = WaitingReasons.visible_to(principal, resources)
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
            if not owner_moves.delete(session, owner, job_id):
                raise NotFound(NO_SUCH_JOB)
    except owner_moves.Conflict as conflict:
        what = "Wait for its end." if conflict.state == JobState.CANCELLING else "Cancel it first."
        raise NotDeletable(f"The job is {conflict.state}. {what}") from conflict
    except owner_moves.JobInUse as needed:
        raise NotDeletable(str(needed)) from needed


def _submitted_before(
    resources: AppResources, owner: str, idempotency: Idempotency, reasons: WaitingReasons
) -> JobDetail | None:
    """Return the job of an earlier request, whose files are not checked again."""
    with resources.database.begin() as session:
        job = created_before(session, owner, idempotency.key, idempotency.body, Job)
        return None if job is None else _detail(session, job, reasons)


def _detail(session: Session, job: Job, reasons: WaitingReasons) -> JobDetail:
    attempts = list(queries.attempts(session, job.owner, job.id)) if job.attempt else []
    return JobDetail.with_attempts(job, reasons.of_one(session, job), attempts)
