"""A worker whose jobs do nothing: the broker, the claim and the end are real, the pruning is left out.

`python -m tests.faults.no_op_worker`. For what is about thousands of jobs, and not about any one of them.
"""

import time
from uuid import UUID

from jobs import lifecycle
from jobs.database import engine_from, sessions
from jobs.settings import settings
from worker.__main__ import main
from worker.app import RUN_JOB, app
from worker.identity import Identity

_DATABASE = sessions(engine_from(settings(), pool_size=1))
_REPORT = {"perplexity": {"dense": 1.0, "pruned": 1.0}, "zero_shot": []}

app.conf.worker_pool = "solo"


# Registered before Celery loads `worker.tasks`, whose task of the same name therefore never counts.
@app.task(name=RUN_JOB)
def claim_and_succeed(job_id: str) -> None:
    with _DATABASE.begin() as session:
        claim = lifecycle.claim(session, UUID(job_id), Identity.from_environment().name, 30)
    if claim is not None:
        time.sleep(0.001)
        with _DATABASE.begin() as session:
            lifecycle.succeed(session, claim, _REPORT, [])


if __name__ == "__main__":
    main()
