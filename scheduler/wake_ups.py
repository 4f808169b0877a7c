"""Sends idle workers the messages by which they claim jobs.

A message says nothing but that there may be a job. Of each class of live workers as many are in the broker as
there are jobs that an idle worker could claim, so a broker that was emptied is filled again, and one that was
flooded is emptied, by the next round.
"""

import logging
from collections.abc import Sequence

from sqlalchemy.orm import Session

from jobs import broker
from jobs.queue import backlog, claim, workers
from jobs.queue.workers import Fleet, LiveWorker

log = logging.getLogger(__name__)

_MAX_SPARE_MESSAGES = 8
"""Messages beyond the number of a class's workers that are left alone."""


def wake_workers(session: Session, seen_within: float) -> None:
    """Send each class as many messages as are missing, unless another scheduler does so now.

    Raises `kombu.exceptions.OperationalError` if the broker does not answer.
    """
    if not workers.try_send_lock(session):
        return
    fleet = workers.fleet(session, seen_within)
    groups = backlog.groups(session)
    for queue in fleet.classes:
        waiting = broker.length(queue)
        of_class = fleet.of_class(queue)
        if waiting > len(of_class) + _MAX_SPARE_MESSAGES:
            log.warning("queue %s: %d messages for %d workers are deleted", queue, waiting, len(of_class))
            broker.purge(queue)
            waiting = 0
        idle = [worker for worker in of_class if worker.idle]
        missing = _wanted(session, queue, fleet, groups, idle) - waiting
        for _ in range(missing):
            broker.send(queue)


def _wanted(
    session: Session,
    queue: str,
    fleet: Fleet,
    groups: Sequence[backlog.QueueGroup],
    idle: Sequence[LiveWorker],
) -> int:
    """Return how many of the idle workers of a class are to claim a job."""
    among = claim.claimable_groups(idle, fleet, groups)
    jobs = len(backlog.next_jobs(session, queue, among, len(idle)).jobs) if among else 0
    needs = {group.stored_needs: group.needs for group in among}.values()
    # Any of them gets the message, so all are asked where not all may run what waits.
    fit_all = all(fleet.may_run(each, it) for each in needs for it in idle)
    return jobs if fit_all or not jobs else len(idle)
