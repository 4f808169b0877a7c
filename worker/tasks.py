"""The Celery task that claims a job and runs it. Only the child imports torch, never its parent."""

import gc
import os
import resource
from contextlib import suppress
from typing import Any

from celery.signals import worker_process_init

from jobs.broker import RUN_NEXT, app
from jobs.monitoring import traces
from jobs.monitoring.metrics import Component
from jobs.monitoring.serving import send_to_parent
from jobs.secret_files import close_to_others
from jobs.settings import settings
from pruning.runtime.determinism import fix_cublas_workspace
from pruning.runtime.process_memory import keep_peak_memory_resettable
from pruning.sandbox.fork_server import fork_server
from worker.identity import Identity

_MAX_OPEN_FILES = 65536


def allow_many_open_files() -> None:
    """Raise this process's limit of open files as far as the system allows: models have many files.

    The usual limit, 1,024, is there for programs that use `select`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@worker_process_init.connect  # type: ignore[untyped-decorator] # Celery has no types
def prepare_child(**signal: object) -> None:
    """Do in a new child what takes seconds, before a job waits for it: import torch, measure the machine."""
    os.setpgid(0, 0)  # a group of its own, so that the watchdog can kill everything that the child starts
    keep_peak_memory_resettable()  # before the process is closed: only root may open the file afterwards
    close_to_others()
    if settings().metrics_address is not None:
        send_to_parent(Identity.from_environment().metrics_socket)
    traces.start(Component.WORKER, settings().traces_endpoint)
    fix_cublas_workspace()
    allow_many_open_files()  # before the process that starts helpers, which has the same limit
    with suppress(OSError):  # then the first job tries it again, and says why
        fork_server()  # imports what it needs while this process does the same

    gc.disable()  # what is imported stays: to look for garbage in it takes a sixth of the time
    import transformers

    import worker.run_job  # noqa: F401 - so that no job waits for it
    from worker.machine import prepare

    gc.freeze()  # nor will a job find garbage there
    gc.enable()
    transformers.utils.logging.disable_progress_bar()  # a log is not a terminal
    prepare(settings(), Identity.from_environment())


@app.task(name=RUN_NEXT, bind=True)  # type: ignore[untyped-decorator] # Celery has no types
def run_next(self: Any) -> None:  # noqa: ANN401 - Celery's task
    """Claim the next job, if there is one for this worker, and run it."""
    from worker.run_job import run_next

    if run_next(settings(), Identity.from_environment(), self.request.id):
        raise SystemExit(0)  # whatever broke in this process must not meet the next job
