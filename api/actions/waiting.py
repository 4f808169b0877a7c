"""Why jobs wait, limited to the reasons that the caller may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from sqlalchemy.orm import Session

from api.resources import AppResources
from api.schemas.jobs.waiting import Waiting
from jobs.access.api_keys import Principal, Scope
from jobs.queue.waiting import Waits
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
        """Return why each of these jobs waits that does."""
        found = self.waits.of(session, jobs)
        return {
            job.id: Waiting.of(job, found[job.id], with_faults=self.with_faults)
            for job in jobs
            if job.id in found
        }

    def of_one(self, session: Session, job: Job) -> Waiting | None:
        """Return why a job waits; None if it does not."""
        return self.of(session, [job]).get(job.id)
