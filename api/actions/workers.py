"""The registered workers, for those who run the service."""

from api.resources import AppResources
from api.schemas.workers import WorkerList
from jobs.access import audit
from jobs.access.api_keys import Principal
from jobs.fleet import overview


class Look:
    """One look of an admin at the workers, however often the list is read again meanwhile.

    The list names the jobs of other owners: the first time that it does is recorded in the audit log, unless
    the same look was within the hour before.
    """

    def __init__(self, resources: AppResources, principal: Principal, subject: str) -> None:
        """`subject` is what the record names: the request."""
        self._resources = resources
        self._principal = principal
        self._subject = subject
        self._recorded = False

    def read(self) -> WorkerList:
        """Return the workers that are alive or were within the last hour."""
        with self._resources.database.begin() as session:
            listed = WorkerList.of(overview.workers(session, self._resources.settings.lease_seconds))
            owners = {worker.job.owner for worker in listed.items if worker.job is not None}
            if not self._recorded and owners - {self._principal.owner}:
                audit.record_look(session, self._principal, self._subject)
                self._recorded = True
        return listed
