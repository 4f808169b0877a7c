"""The Celery application: how a job's id gets from the dispatcher to a worker, and nothing else.

The row in PostgreSQL is the truth and the message is a nudge. So a message carries the id alone, is
acknowledged before the work begins, and may be lost or doubled without harm: a lost one is published again,
and a doubled one finds the job claimed. Neither results nor the broker's remote control are used.
"""

from uuid import UUID

from celery import Celery
from celery.signals import worker_process_init
from kombu.exceptions import ChannelError

from jobs.settings import settings

app = Celery("pruneserve")
app.config_from_object("worker.celery_config")


@app.task(name="pruneserve.run_job")  # type: ignore[untyped-decorator] # Celery has no types
def run_job(job_id: str) -> None:
    """Run the job. Only a child gets here and imports torch; neither its parent nor the dispatcher does."""
    from worker.identity import Identity
    from worker.run_job import run_job

    run_job(UUID(job_id), settings(), Identity.from_environment())


@worker_process_init.connect
def _get_ready(**signal: object) -> None:
    """In a new child: import what takes seconds now, and not when a job waits for it."""
    import transformers

    transformers.utils.logging.disable_progress_bar()  # a log is no terminal


def publish(queue: str, job_id: UUID) -> None:
    """Send a job's id to the workers of a queue. Raises `kombu.exceptions.OperationalError`."""
    app.send_task(run_job.name, args=[str(job_id)], queue=queue, retry=False)


def published(queue: str) -> int:
    """How many messages no worker has taken yet. Raises `kombu.exceptions.OperationalError`."""
    with app.connection_for_write() as connection, connection.channel() as channel:
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except ChannelError:
            return 0  # an empty queue does not exist
