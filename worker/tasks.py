"""What a worker does with a message. torch is imported in the child that runs jobs, never in its parent."""

import os
from uuid import UUID

from celery.signals import worker_process_init

from jobs.settings import settings
from worker.broker.app import RUN_JOB, app
from worker.broker.celery_config import QUEUE
from worker.identity import Identity


@worker_process_init.connect  # type: ignore[untyped-decorator] # Celery has no types
def get_ready(**signal: object) -> None:
    """In a new child: import what takes seconds now, and not when a job waits for it."""
    os.setpgid(0, 0)  # so that whoever must kill this process finds all that it has started

    import transformers

    import worker.run_job  # noqa: F401
    from worker.machine import measure_once

    transformers.utils.logging.disable_progress_bar()  # a log is no terminal
    measure_once(settings(), Identity.from_environment(), QUEUE)


@app.task(name=RUN_JOB)  # type: ignore[untyped-decorator] # Celery has no types
def run_job(job_id: str) -> None:
    """Run the job that the message names."""
    from worker.run_job import run_job

    run_job(UUID(job_id), settings(), Identity.from_environment())
