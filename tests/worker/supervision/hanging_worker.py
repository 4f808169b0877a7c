"""A worker whose jobs hang, but `magnitude` succeeds at once and `wanda` takes memory. All else is real.

`python -m tests.worker.supervision.hanging_worker`. Celery spawns its child, which imports this module again.
"""

import sys
import time
from types import ModuleType

from jobs import limits
from jobs.clock import boot_time
from jobs.database import engine_from, sessions
from jobs.lifecycle import lifecycle
from jobs.queue.claim import claim_next
from jobs.settings import Settings
from worker.__main__ import main
from worker.identity import HeldClaim, Identity

REPORT = {"perplexity": {"dense": 1.0, "pruned": 1.0}, "sparsity": {"overall": 0.5}, "zero_shot": []}
"""Of every job that succeeds here and in other workers of tests."""


def run_next(settings: Settings, worker: Identity, task_id: str) -> None:
    """Claim a job, and never check whether to stop. Without one, hang where the test asks for that."""
    if (hang := settings.work_dir / "hang").exists():
        hang.unlink()
        time.sleep(3600)
    database = sessions(engine_from(settings, pool_size=1))
    with database.begin() as session:
        claim = claim_next(session, worker.name, limits.LEASE_SECONDS)
        if claim is None:
            return
        if claim.spec.recipe.method.name == "magnitude":
            lifecycle.succeed(session, claim, REPORT, [])
            return
    path = worker.claims_directory / f"{task_id}.json"
    ends_at = boot_time() + limits.LEASE_SECONDS
    HeldClaim(path, claim.job_id, claim.attempt, claim.lease_token, ends_at).write()
    hoard = []
    while claim.spec.recipe.method.name == "wanda":
        hoard.append(b"x" * 20_000_000)
        time.sleep(0.05)
    time.sleep(3600)


def stand_in(name: str, **contents: object) -> None:
    """Replace a module for every later import."""
    module = ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module


def do_nothing(*anything: object) -> None:
    """Replaces what a child prepares before its first job."""


# These imports would take seconds.
stand_in("transformers", utils=ModuleType("utils"))
vars(sys.modules["transformers"].utils)["logging"] = ModuleType("logging")
vars(sys.modules["transformers"].utils.logging)["disable_progress_bar"] = do_nothing
stand_in("worker.machine", prepare=do_nothing)
stand_in("worker.run_job", run_next=run_next)

if __name__ == "__main__":
    main()
