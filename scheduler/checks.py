"""Checks the files of jobs that the API could not check in time, before a worker claims them.

It runs in a thread of the scheduler, so that a disk that hangs delays no other job. A job that waits for its
check for a minute may be claimed all the same: its worker checks everything again.
"""

import logging

from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from jobs.queue import sizing
from jobs.queue.sizing import NewJob
from jobs.settings import Settings
from jobs.spec.cuts import Fault
from jobs.spec.job import JobSpec
from jobs.spec.preflight import Places, faults
from jobs.states import Cause
from scheduler.background import Background

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 0.5
_JOBS_PER_ROUND = 20


class PendingChecks(Background):
    """Looks at the files of jobs, in rounds."""

    name = "checks"

    def __init__(self, database: sessionmaker[Session], settings: Settings) -> None:
        """`settings` says where files may lie."""
        super().__init__(_SECONDS_BETWEEN_ROUNDS)
        self._database = database
        self._settings = settings

    def round(self) -> None:
        """Check some jobs, the oldest first: each may be claimed, or fails."""
        with self._database.begin() as session:
            jobs = sizing.unchecked(session, _JOBS_PER_ROUND)
        for job in jobs:
            fault = self._fault(job)
            with self._database.begin() as session:
                if fault is None:
                    sizing.checked(session, job.job_id)
                else:
                    error = JobError(
                        type="invalid_input", message=fault.message, field=fault.field, cause=Cause.REQUEST
                    )
                    lifecycle.refuse(session, job.job_id, error)

    def _fault(self, job: NewJob) -> Fault | None:
        places = Places.of(self._settings, job.owner)
        try:
            return next(faults(JobSpec.model_validate(job.stored_spec), places), None)
        except Exception as error:  # the worker says what it is, and one job must not hold up the others
            log.warning("job %s: cannot be checked (%s)", job.job_id, type(error).__name__)
            return None
