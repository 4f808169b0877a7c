"""What owners have in the store, for the REST API and the page."""

from api.resources import AppResources
from api.schemas.client import StorageUse
from jobs.queries import storage


def used(resources: AppResources, owner: str) -> StorageUse:
    """Return the sums of an owner, with the quotas."""
    settings = resources.settings
    with resources.database.begin() as session:
        stored = storage.stored_by(session, owner)
    return StorageUse(
        artifact_bytes=stored.artifacts,
        gradient_bytes=stored.norms,
        unfinished_bytes=stored.finished_blocks,
        cache_bytes=stored.caches,
        upload_bytes=stored.uploads,
        quota_bytes=settings.quota_bytes,
        total_bytes=stored.total,
    )
