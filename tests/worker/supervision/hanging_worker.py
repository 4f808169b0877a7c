"""A worker whose jobs hang, but for those of the method magnitude, which succeed at once. The rest is real.

`python -m tests.worker.supervision.hanging_worker`. Its child is spawned by Celery and imports
this module again.
"""

import sys
import time
from types import ModuleType
from uuid import UUID

from jobs.database import engine_from, sessions
from jobs.lifecycle import lifecycle
from jobs.settings import Settings
from worker.__main__ import main
from worker.identity import Identity


def run_job(job_id: UUID, settings: Settings, worker: Identity) -> None:
    """Claim the job, and never look whether to stop."""
    database = sessions(engine_from(settings, pool_size=1))
    with database.begin() as session:
        claim = lifecycle.claim(session, job_id, worker.name, settings.lease_seconds)
        if claim is None:
            return
        if claim.spec.recipe.method.name == "magnitude":
            report = {"perplexity": {"dense": 1.0, "pruned": 1.0}, "zero_shot": []}
            lifecycle.succeed(session, claim, report, [])
            return
    time.sleep(3600)


def stand_in(name: str, **contents: object) -> None:
    """What is imported under this name from here on."""
    module = ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module


def nothing(*anything: object) -> None:
    """In the place of what a child does to get ready."""


# What a child imports to prune, which takes seconds.
stand_in("transformers", utils=ModuleType("utils"))
vars(sys.modules["transformers"].utils)["logging"] = ModuleType("logging")
vars(sys.modules["transformers"].utils.logging)["disable_progress_bar"] = nothing
stand_in("worker.machine", measure_once=nothing)
stand_in("worker.run_job", run_job=run_job)

if __name__ == "__main__":
    main()
