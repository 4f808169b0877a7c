"""A worker whose jobs succeed if its work directory can be written. All else is real.

`python -m tests.worker.supervision.sick_worker`. Celery spawns its child, which imports this module again.
"""

import worker.supervision.quarantine
from jobs import limits
from jobs.database import engine_from, sessions
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from jobs.queue import conditions
from jobs.queue.claim import claim_next
from jobs.settings import Settings
from jobs.states import Cause
from tests.worker.supervision.hanging_worker import REPORT, do_nothing, stand_in
from worker.__main__ import main
from worker.identity import Identity
from worker.self_test import SelfTestFailed, check_directories


def run_next(settings: Settings, identity: Identity, task_id: str) -> bool:
    """Claim a job and end it, in the transactions of a real worker, without torch."""
    database = sessions(engine_from(settings, pool_size=1))
    with database.begin() as session:
        claim = claim_next(session, identity.name, limits.LEASE_SECONDS)
    if claim is None:
        return False
    try:
        check_directories(settings)
    except SelfTestFailed as unfit:
        error = JobError(type="worker", message=str(unfit), cause=Cause.WORKER)
        with database.begin() as session:
            conditions.record_fault(session, identity.name, error.message)
            lifecycle.requeue_after_fault(session, claim, error, limits.MAX_WORKER_FAULTS)
        return False
    with database.begin() as session:
        conditions.clear_faults(session, identity.name)
        lifecycle.succeed(session, claim, REPORT, [])
    return False


stand_in("worker.run_job", run_next=run_next)
worker.supervision.quarantine.check_device_in_subprocess = do_nothing  # it would import torch

if __name__ == "__main__":
    main()
