"""A worker whose jobs succeed once a file `go` lies in its work directory. All else is real.

`python -m tests.worker.supervision.steady_worker`. Celery spawns its child, which imports this module again.
"""

import time

import worker.supervision.quarantine
from jobs.lifecycle import lifecycle
from jobs.settings import Settings
from tests.worker.supervision.hanging_worker import REPORT, do_nothing, stand_in
from worker.__main__ import main
from worker.attempt.attempt import claimed
from worker.identity import Identity


def run_next(settings: Settings, identity: Identity, task_id: str) -> bool:
    """Claim a job as a real worker does, and let it succeed, without torch."""
    with claimed(settings, identity, task_id) as attempt:
        if attempt is None:
            return False
        with attempt.kept_alive():
            while not (settings.work_dir / "go").exists():
                time.sleep(0.02)
            attempt.finish(lambda session: lifecycle.succeed(session, attempt.claim, REPORT, []))
    return False


stand_in("worker.run_job", run_next=run_next)
worker.supervision.quarantine.check_device_in_subprocess = do_nothing  # it would import torch

if __name__ == "__main__":
    main()
