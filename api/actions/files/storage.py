"""What owners have in the store, for the REST API and the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.resources import AppResources
from api.schemas.client import StorageUse
from jobs.access import audit
from jobs.access.api_keys import Principal, Scope
from jobs.queries import storage
from jobs.queries.storage import Stored, StoredOfJob, StoredOfOwner
from jobs.settings import Settings
from jobs.storage.gradient_files import Kept
from jobs.tables import Upload


@dataclass(frozen=True, slots=True)
class Overview:
    """What an owner has in the store: sums, and what takes most of it."""

    use: StorageUse
    jobs: Sequence[StoredOfJob]
    norms: Sequence[Kept]
    uploads: Sequence[Upload]


def used(resources: AppResources, owner: str) -> StorageUse:
    """Return the sums of an owner, with the quotas."""
    with resources.database.begin() as session:
        return _use(storage.stored_by(session, owner), resources.settings)


def overview(resources: AppResources, owner: str, *, most: int) -> Overview:
    """Return the sums of an owner, and at most so many of each kind, the largest first."""
    with resources.database.begin() as session:
        return Overview(
            use=_use(storage.stored_by(session, owner), resources.settings),
            jobs=storage.largest_jobs(session, owner, most),
            norms=storage.largest_norms(session, owner, most),
            uploads=storage.largest_uploads(session, owner, most),
        )


def owners(resources: AppResources, principal: Principal, *, most: int) -> Sequence[StoredOfOwner]:
    """Return the owners who have most in the store: to an admin, which is recorded, and none to others."""
    if Scope.ADMIN not in principal.scopes:
        return []
    with resources.database.begin() as session:
        found = storage.largest_owners(session, most)
        if {each.owner for each in found} - {principal.owner}:
            audit.record_look(session, principal, "GET /storage")
    return found


def _use(stored: Stored, settings: Settings) -> StorageUse:
    return StorageUse(
        artifact_bytes=stored.artifacts,
        gradient_bytes=stored.norms,
        unfinished_bytes=stored.finished_blocks,
        cache_bytes=stored.caches,
        upload_bytes=stored.uploads,
        quota_bytes=settings.quota_bytes,
        total_bytes=stored.total,
    )
