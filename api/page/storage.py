"""What the owner has in the store: sums and quotas, what takes most of it, and buttons that delete it."""

from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Response, status
from fastapi.responses import RedirectResponse

from api.actions import jobs
from api.actions.files import storage, uploads
from api.page.base.owners import Owner
from api.page.base.render import page
from api.resources import Resources
from api.security.auth import Reader, Writer
from jobs.access.api_keys import Principal

router = APIRouter(include_in_schema=False)

_MOST = 50  # of each kind


@router.get("/storage")
def show(principal: Reader, owner: Owner, resources: Resources) -> Response:
    """Show what an owner has in the store, and to admins what all owners have."""
    return page(
        "storage.html",
        stored=storage.overview(resources, owner, most=_MOST),
        owners=storage.owners(resources, principal, most=_MOST),
        most=_MOST,
        owner=owner,
        principal=principal,
        place="storage",
    )


@router.post("/storage/jobs/{job_id}/delete")
def delete_job(job_id: UUID, principal: Writer, owner: Owner, resources: Resources) -> Response:
    """Delete a job that has ended, with its files."""
    jobs.delete(resources.database, owner, job_id)
    return _back(principal, owner)


@router.post("/storage/uploads/{upload_id}/delete")
def delete_upload(upload_id: UUID, principal: Writer, owner: Owner, resources: Resources) -> Response:
    """Delete an upload. It is refused while a job that has not ended needs it."""
    uploads.delete(resources, owner, upload_id)
    return _back(principal, owner)


def _back(principal: Principal, owner: str) -> Response:
    query = "" if owner == principal.owner else f"?{urlencode({'owner': owner})}"
    return RedirectResponse(f"/storage{query}", status.HTTP_303_SEE_OTHER)
