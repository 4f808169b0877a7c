"""The Celery application, which brings a job's id from the dispatcher to a worker and does nothing else.

The job's row in PostgreSQL is the source of truth. A message carries only the job's id, is acknowledged
before the work begins, and may be lost or duplicated without harm: a lost one is published again, and a
duplicate finds the job already claimed. Celery's results and its remote control are not used.
"""

import logging
from uuid import UUID

from celery import Celery, signals
from kombu.exceptions import ChannelError, OperationalError
from redis.exceptions import RedisError

from jobs.monitoring.figures import Part
from worker.broker import log, transport
from worker.broker.loader import Loader

RUN_JOB = "pruneserve.run_job"

transport.use_for(RUN_JOB)
app = Celery("pruneserve", loader=Loader)
app.config_from_object("worker.broker.celery_config")


@signals.after_setup_logger.connect  # type: ignore[untyped-decorator] # Celery has no types
@signals.after_setup_task_logger.connect  # type: ignore[untyped-decorator]
def escape_log(logger: logging.Logger, **signal: object) -> None:
    """Let the log of a worker's processes escape what a message quotes, or be JSON."""
    log.set_up(logger, Part.WORKER)


def publish(queue: str, job_id: UUID) -> None:
    """Send a job's id to the workers of a queue. Raises `kombu.exceptions.OperationalError`."""
    app.send_task(RUN_JOB, args=[str(job_id)], queue=queue, retry=False)


def published(queue: str) -> int:
    """Return how many messages no worker has taken yet. Raises `kombu.exceptions.OperationalError`."""
    try:
        with app.connection_for_write() as connection, connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)
    except ChannelError:
        return 0  # a queue without messages does not exist
    except RedisError as error:
        raise OperationalError(type(error).__name__) from error
