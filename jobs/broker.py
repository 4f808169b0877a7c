"""The Celery application. Workers and the scheduler import it; it needs no torch.

PostgreSQL has the jobs. The only task takes no arguments: a message wakes a worker, which claims a job. So a
message that is lost, or that there is twice, does no harm.
"""

import logging

from celery import Celery, signals
from kombu.exceptions import ChannelError, OperationalError
from redis.exceptions import RedisError

from jobs.monitoring import logs
from jobs.monitoring.metrics import Component

RUN_NEXT = "pruneserve.run_next"


app = Celery("pruneserve")
app.config_from_object("jobs.celery_config")  # it is read once it is needed


@signals.after_setup_logger.connect  # type: ignore[untyped-decorator] # Celery has no types
@signals.after_setup_task_logger.connect  # type: ignore[untyped-decorator]
def escape_log(logger: logging.Logger, **signal: object) -> None:
    """Let the log of a worker's processes escape what a message quotes, or be JSON."""
    logs.configure(Component.WORKER, logger)


def send(queue: str) -> None:
    """Wake a worker that reads a queue. Raises `kombu.exceptions.OperationalError`."""
    app.send_task(RUN_NEXT, queue=queue, retry=False)


def length(queue: str) -> int:
    """Return how many messages no worker has taken yet. Raises `kombu.exceptions.OperationalError`."""
    try:
        with app.connection_for_write() as connection, connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)
    except ChannelError:
        return 0  # a queue without messages does not exist
    except RedisError as error:
        raise OperationalError(str(error)) from error


def purge(queue: str) -> None:
    """Delete the messages of a queue. Raises `kombu.exceptions.OperationalError`."""
    try:
        with app.connection_for_write() as connection, connection.channel() as channel:
            channel.queue_purge(queue)
    except RedisError as error:
        raise OperationalError(str(error)) from error
