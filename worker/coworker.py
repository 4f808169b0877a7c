"""A worker without a job of its own helps with another's: the message of a job that runs says that it may.

1. take a lane of its gradients, under a lease of the lane's own
2. fetch the uploads that the job names, and verify that its model and texts are the same here
3. compute lane after lane, until there are none or a job waits for this worker

Whatever ends the help, the lane that is held goes to another worker. A worker that cannot help is offered no
other lane of the job; why is told in the job's events, and a fault of this worker is counted against it, as
after a job. The job itself goes on.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.database import DATABASE_UNAVAILABLE
from jobs.fleet import quarantine
from jobs.lifecycle import lanes
from jobs.lifecycle.lanes import LaneClaim
from jobs.monitoring import logs
from jobs.settings import Settings
from jobs.states import Cause
from pruning.errors import is_panic
from pruning.lanes.helping import OtherConditions
from pruning.run import RunRequest, help_with_lanes
from worker.attempt.claim import connected
from worker.attempt.disk import DiskFull
from worker.attempt.error_report import job_error
from worker.attempt.lanes.coworker import CoworkerAttempt, LaneStore, OfferedJobLanes, held_lane
from worker.attempt.prepared import prepared
from worker.identity import Identity
from worker.interrupts import CancelRequested, LeaseLost, ShutdownRequested
from worker.scratch import RESUME_STORE
from worker.self_test import Unfit

log = logging.getLogger(__name__)


def help_with(job_id: UUID, settings: Settings, worker: Identity) -> bool:
    """Help with a running job, if it has a lane for this worker.

    Returns whether this process must not run another job, because its device or its installation failed.
    """
    if worker.one_job:
        return False
    with connected(settings, worker) as database:
        try:
            attempt = held_lane(job_id, settings, worker, database)
        except ShutdownRequested:
            return False
        if attempt is None:
            return False
        claim = attempt.claim
        with logs.about(job=str(job_id), attempt=claim.attempt, owner=claim.owner), attempt.kept_alive():
            log.info("job %s: this worker helps with its gradients", job_id)
            _help(attempt)
        return attempt.broke_its_process


def _help(attempt: CoworkerAttempt) -> None:
    """Compute lanes. However that ends, the job's row and its other lanes are as they were."""
    try:
        _compute(attempt)
    except (LeaseLost, CancelRequested):
        log.info("job %s: it needs no help any more", attempt.claim.job_id)
        _let_go(attempt)
    except ShutdownRequested:
        _let_go(attempt)
    except BaseException as failure:
        if not isinstance(failure, Exception) and not is_panic(failure):
            raise
        log.warning("job %s: could not help", attempt.claim.job_id, exc_info=True)
        _after_failure(attempt, failure)


def _compute(attempt: CoworkerAttempt) -> None:
    spec = attempt.spec
    with prepared(attempt) as (directory, common):
        request = RunRequest(
            spec.recipe, spec.evaluation, directory / "output", device=attempt.settings.device
        )
        services = replace(common, resume_store=LaneStore(attempt, directory / RESUME_STORE))
        help_with_lanes(request, services, OfferedJobLanes(attempt))


def _after_failure(attempt: CoworkerAttempt, failure: BaseException) -> None:
    claim, worker = attempt.claim, attempt.worker.name
    error = job_error(failure, claim, attempt.disk)
    if error.cause == Cause.WORKER:
        attempt.broke_its_process = not isinstance(failure, Unfit | DiskFull | OSError)
        attempt.transaction(
            lambda session: quarantine.count_fault(session, worker, claim.job_id, error.message)
        )
    # A worker of other conditions is not one that failed, and an outage says nothing of the next one.
    failed = error.cause != Cause.OUTSIDE and not isinstance(failure, OtherConditions)
    _let_go(attempt, partial(lanes.decline, worker=worker, reason=error.message, failed=failed))


def _let_go(attempt: CoworkerAttempt, end: Callable[[Session, LaneClaim], None] = lanes.give_back) -> None:
    """Let another worker take the lane at once. If that fails, it can when the lease expires."""
    try:
        with attempt.database.begin() as session:
            end(session, attempt.claim)
    except DATABASE_UNAVAILABLE as error:
        log.warning("job %s: could not give a lane back (%s)", attempt.claim.job_id, type(error).__name__)
