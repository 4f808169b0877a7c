"""The registered workers, for those who run the service."""

from api.resources import AppResources
from api.schemas.workers import WorkerList
from jobs.fleet import overview


def list_all(resources: AppResources) -> WorkerList:
    """Return the workers that are alive or were within the last hour."""
    with resources.database.begin() as session:
        return WorkerList.of(overview.workers(session, resources.settings.lease_seconds))
