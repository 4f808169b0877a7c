"""What a change answers with: everything to a key that may read it, and else a receipt."""

from datetime import UTC, datetime
from typing import TypeVar

from api.schemas.base import Receipt
from api.schemas.jobs import JobDetail
from api.schemas.sweeps import SweepDetail
from api.schemas.uploads import UploadItem
from jobs.access.api_keys import Principal, Scope

Changed = TypeVar("Changed", JobDetail, SweepDetail)


def shown_to(principal: Principal, changed: Changed) -> Changed | Receipt:
    """Return what was changed as far as the principal may see it."""
    if Scope.JOBS_READ in principal.scopes:
        return changed
    path = f"/{'jobs' if isinstance(changed, JobDetail) else 'sweeps'}/{changed.id}"
    return Receipt(id=changed.id, state=changed.state, url=f"/v1{path}", page=path)


def sent_before(principal: Principal, upload: UploadItem, name: str) -> UploadItem:
    """Return an upload that was there as the principal may see it: else what it has sent now, and when."""
    if Scope.JOBS_READ in principal.scopes:
        return upload
    return upload.model_copy(update={"name": name, "created_at": datetime.now(UTC)})
