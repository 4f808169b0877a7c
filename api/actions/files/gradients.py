"""Gradient norms that owners keep: compute, list, look up, delete."""

from dataclasses import replace
from uuid import UUID

from api.actions import jobs
from api.actions.jobs import Idempotency
from api.actions.parse_job import parse_job
from api.actions.waiting import WaitingReasons
from api.problems.problems import ArtifactsExpired, NotFound, QuotaExceeded, UploadInUse
from api.resources import AppResources
from api.schemas.jobs.answers import JobDetail
from api.schemas.pages import PageQuery
from api.schemas.uploads import GradientItem, GradientPage, GradientRequest
from jobs import retention
from jobs.storage import gradient_files
from jobs.storage.gradient_files import Kept
from jobs.storage.owned_files import InUse
from jobs.tables import Artifact

NO_SUCH_NORMS = "There are no such gradient norms, or they belong to another owner."

_NONE_YET = "The job has not computed them yet: they are there once it has succeeded."


def submit(
    resources: AppResources,
    owner: str,
    request: GradientRequest,
    reasons: WaitingReasons,
    idempotency: Idempotency | None = None,
) -> tuple[JobDetail, bool]:
    """Queue a gradient job. Returns it, and whether this call created it.

    Raises what `jobs.submit` raises, and QuotaExceeded for an owner without any room for norms.
    """
    quota = resources.settings.quota_bytes
    with resources.database.begin() as session:
        if gradient_files.used_bytes(session, owner) >= quota:
            raise QuotaExceeded(
                f"Your uploads and gradient norms may take at most {quota} bytes together. Delete some."
            )
    if idempotency is not None:
        idempotency = replace(idempotency, body=b"gradients %s" % idempotency.body)
    return jobs.submit(resources, owner, parse_job(request.fields()), reasons, idempotency)


def list_page(resources: AppResources, owner: str, query: PageQuery) -> GradientPage:
    """Return a page of the owner's gradient jobs."""
    with resources.database.begin() as session:
        rows = gradient_files.newest(session, owner, before=query.cursor, limit=query.rows)
        used = gradient_files.used_bytes(session, owner)
        quota = resources.settings.quota_bytes
        return GradientPage.of(rows, query, GradientItem.of, used_bytes=used, quota_bytes=quota)


def find(resources: AppResources, owner: str, job_id: UUID) -> Kept:
    """Return one of the owner's gradient jobs with its file. Raises NotFound."""
    with resources.database.begin() as session:
        kept = gradient_files.get(session, owner, job_id)
    if kept is None:
        raise NotFound(NO_SUCH_NORMS)
    return kept


def file(resources: AppResources, owner: str, job_id: UUID) -> Artifact:
    """Return the file of one of the owner's gradient jobs. Raises NotFound and ArtifactsExpired."""
    kept = find(resources, owner, job_id)
    if kept.file is None:
        if kept.job.artifacts_expired_at is not None:
            raise ArtifactsExpired("The norms were deleted. Compute them again.")
        raise NotFound(_NONE_YET)
    return kept.file


def delete(resources: AppResources, owner: str, job_id: UUID) -> None:
    """Delete norms; their job stays in the list. Raises NotFound, and UploadInUse while a job needs them."""
    with resources.database.begin() as session:
        try:
            deleted = retention.delete_gradients(session, owner, job_id)
        except InUse as error:
            raise UploadInUse(error.job_id) from error
    if not deleted:
        raise NotFound(NO_SUCH_NORMS)
