"""A worker whose jobs do nothing: broker, claim and success are real, only the pruning is left out.

`python -m tests.faults.no_op_worker`. For tests with thousands of jobs, where no single one matters. Celery
spawns its child, which imports this module again.
"""

import time

from jobs import limits
from jobs.database import engine_from, sessions
from jobs.lifecycle import lifecycle
from jobs.queue.claim import claim_next
from jobs.settings import Settings, settings
from tests.worker.supervision.hanging_worker import REPORT, stand_in
from worker.__main__ import main
from worker.identity import Identity

_DATABASE = sessions(engine_from(settings(), pool_size=1))


def run_next(settings: Settings, worker: Identity, task_id: str) -> None:
    """Claim a job and let it succeed, in two transactions like a real worker."""
    with _DATABASE.begin() as session:
        claim = claim_next(session, worker.name, limits.LEASE_SECONDS)
    if claim is not None:
        time.sleep(0.001)
        with _DATABASE.begin() as session:
            lifecycle.succeed(session, claim, REPORT, [])


stand_in("worker.run_job", run_next=run_next)

if __name__ == "__main__":
    main()
