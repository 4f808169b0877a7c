"""Gradient norms that owners keep: compute and list them."""

from dataclasses import replace

from api.actions import jobs
from api.actions.jobs import Idempotency
from api.actions.parse_job import parse_job
from api.actions.waiting import WaitingReasons
from api.problems.problems import QuotaExceeded
from api.resources import AppResources
from api.schemas.jobs.answers import JobDetail
from api.schemas.pages import PageQuery
from api.schemas.uploads import GradientItem, GradientPage, GradientRequest
from jobs.storage import gradient_files


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
