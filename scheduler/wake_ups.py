"""Sends idle workers the messages by which they claim jobs.

A message says nothing but that there may be a job. Each queue of live workers has as many as there are
jobs that an idle one of them could claim, so a broker that was emptied is filled again, and one that was
flooded is emptied, by the next round.
"""

import logging
import time
from collections.abc import Sequence

from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session

from jobs import broker
from jobs.queue import backlog, claim, workers
from jobs.queue.resources import UNKNOWN_QUEUE
from jobs.queue.workers import Fleet

log = logging.getLogger(__name__)

_MAX_SECONDS = 5.0  # and one call that times out, are less than `jobs.database.IDLE_SECONDS`
_MAX_SPARE_MESSAGES = 8
"""Messages beyond the number of a queue's workers that are left alone."""


def wake_workers(session: Session, seen_within: float) -> bool:
    """Send each queue as many messages as are missing, and return True: the broker has answered.

    False: another scheduler does so now, and the broker was not asked.
    Raises `kombu.exceptions.OperationalError` if the broker does not answer, or is slow.
    """
    if not workers.try_send_lock(session):
        return False
    fleet = workers.fleet(session, seen_within)
    groups = backlog.groups(session)
    # Workers register once the broker answers them: without any it is asked all the same.
    queues = fleet.queues or [UNKNOWN_QUEUE]
    wanted = {queue: _wanted(session, queue, fleet, groups) for queue in queues}
    # The transaction, which has the lock, is idle from here on: that must end before PostgreSQL ends it.
    give_up_at = time.monotonic() + _MAX_SECONDS
    for queue, count in wanted.items():
        waiting, readers = broker.length(queue), len(fleet.of_queue(queue))
        if waiting > readers + _MAX_SPARE_MESSAGES:
            log.warning("queue %s: %d messages for %d workers are deleted", queue, waiting, readers)
            broker.purge(queue)
            waiting = 0
        _check(give_up_at)
        for _ in range(count - waiting):
            broker.send(queue)
            _check(give_up_at)
    return True


def _check(give_up_at: float) -> None:
    if time.monotonic() > give_up_at:
        raise OperationalError("the broker is too slow")


def _wanted(
    session: Session,
    queue: str,
    fleet: Fleet,
    groups: Sequence[backlog.QueueGroup],
) -> int:
    """Return how many of the idle workers of a queue are to claim a job."""
    idle = [worker for worker in fleet.of_queue(queue) if worker.idle]
    among = claim.claimable_groups(idle, fleet, groups)
    jobs = len(backlog.next_jobs(session, queue, among, len(idle)).jobs) if among else 0
    needs = {group.stored_needs: group.needs for group in among}.values()
    # Any of them gets the message, so all are asked where not all may run what waits.
    fit_all = all(fleet.may_run(each, it) for each in needs for it in idle)
    return jobs if fit_all or not jobs else len(idle)
