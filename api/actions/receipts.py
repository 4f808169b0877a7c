"""What a change answers with: everything to a key that may read it, and else a receipt."""

from datetime import UTC, datetime
from typing import TypeVar

from api.schemas.base import Receipt
from api.schemas.jobs.answers import JobDetail, JobSummary
from api.schemas.sweeps import SweepDetail
from api.schemas.uploads import UploadItem
from jobs.access.api_keys import Principal, Scope
from jobs.states import JobState, SweepState
from jobs.sweeps.bisection import Search

Changed = TypeVar("Changed", JobDetail, SweepDetail)
Submitted = TypeVar("Submitted", bound=JobSummary)


def shown_to(principal: Principal, changed: Changed) -> Changed | Receipt:
    """Return what was changed as far as the principal may see it."""
    if Scope.JOBS_READ in principal.scopes:
        return changed
    path = f"/{'jobs' if isinstance(changed, JobDetail) else 'sweeps'}/{changed.id}"
    return Receipt(id=changed.id, state=changed.state, url=f"/v1{path}", page=path)


def first_answer(principal: Principal, job: JobDetail) -> JobDetail:
    """Return the job of an earlier request as the principal may see it: else as that request was answered."""
    return job if Scope.JOBS_READ in principal.scopes else _as_submitted(job)


def first_answer_of_sweep(principal: Principal, sweep: SweepDetail) -> SweepDetail:
    """Return the sweep of an earlier request as the principal may see it: else as it was answered first."""
    if Scope.JOBS_READ in principal.scopes:
        return sweep
    target = sweep.request.target
    probes_one_by_one = target is not None and not target.is_of_size
    jobs = [_as_submitted(job) for job in (sweep.jobs[:1] if probes_one_by_one else sweep.jobs)]
    search = None if sweep.search is None else Search()
    unended = {"state": SweepState.RUNNING, "error": None, "ended_at": None}
    return sweep.model_copy(update={**unended, "search": search, "jobs": jobs})


def _as_submitted(job: Submitted) -> Submitted:
    """Return a job without anything that has become of it. Why it waited is not kept."""
    asked_for = {"id", "name", "model", "method", "pattern", "sparsity", "labels", "priority", "created_at"}
    asked_for |= {"spec", "recipe_fingerprint"}
    since = dict.fromkeys(type(job).model_fields.keys() - asked_for)
    first = {"state": JobState.QUEUED, "attempt": 0, "checks": "done", "queued_at": job.created_at}
    attempts: dict[str, object] = {"attempts": []} if isinstance(job, JobDetail) else {}
    return job.model_copy(update=since | first | attempts)


def sent_before(principal: Principal, upload: UploadItem, name: str) -> UploadItem:
    """Return an upload that was there as the principal may see it: else what it has sent now, and when."""
    if Scope.JOBS_READ in principal.scopes:
        return upload
    return upload.model_copy(update={"name": name, "created_at": datetime.now(UTC)})
