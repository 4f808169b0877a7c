"""The broker's transport, which takes nothing of a message but the id of a job.

Whoever may write to the broker could otherwise end a worker's process with a message that Celery or kombu
does not expect. So each message is replaced by a fresh one that this module makes, and one without the id of
a job is dropped: the dispatcher publishes a queued job again whose message is missing.
"""

import base64
import json
import logging
from typing import Any
from uuid import UUID, uuid4

from kombu import transport
from kombu.transport import redis

log = logging.getLogger(__name__)

_LONGEST_BODY = 4096


class Channel(redis.Channel):  # type: ignore[misc] # kombu has no types
    """Reads messages, and drops those that are not even JSON."""

    def _brpop_read(self, **options: object) -> object:
        self.connection.delivering = False
        try:
            return super()._brpop_read(**options)
        except (redis.Empty, *self.connection_errors):
            raise
        except Exception as error:
            if self.connection.delivering:
                raise
            _dropped(error)
            return True


class Transport(redis.Transport):  # type: ignore[misc] # kombu has no types
    """Kombu's transport for Redis and Valkey, for messages of `worker.broker.app.publish` only."""

    Channel = Channel
    delivering = False
    task = ""
    """The name of the only task."""

    def _deliver(self, message: object, queue: str) -> None:
        try:
            job_id = _job_id(message)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            _dropped(error)
            return
        self.delivering = True
        super()._deliver(_message(self.task, job_id, queue), queue)


def use_for(task: str) -> None:
    """Let every connection to a Redis-protocol broker use this transport, for messages of one task."""
    Transport.task = task
    here = f"{__name__}:{Transport.__name__}"
    transport.TRANSPORT_ALIASES |= {"redis": here, "rediss": here}


def _job_id(message: Any) -> UUID:  # noqa: ANN401 - whatever somebody has put into the queue
    body = message["body"]
    if not isinstance(body, str) or len(body) > _LONGEST_BODY:
        raise ValueError("no short text")
    (job_id,), _, _ = json.loads(base64.b64decode(body, validate=True))
    if not isinstance(job_id, str):
        raise TypeError("no text")
    return UUID(job_id)


def _message(task: str, job_id: UUID, queue: str) -> dict[str, Any]:
    """Return a message as Celery's protocol 2 has it."""
    task_id = str(uuid4())
    body = json.dumps(
        [[str(job_id)], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    )
    return {
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": task,
            "id": task_id,
            "root_id": task_id,
            "parent_id": None,
            "retries": 0,
            "timelimit": [None, None],
            "ignore_result": True,
        },
        "properties": {
            "correlation_id": task_id,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }


def _dropped(error: Exception) -> None:
    log.error("dropped a message of the broker that has no job's id (%s)", type(error).__name__)
