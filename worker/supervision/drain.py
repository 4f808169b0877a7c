"""Lets a cordoned worker take no jobs, and ends one that is drained, or that runs one job only, in order.

The worker's row says what it is to do: `jobs.fleet.steering`. A worker for one job is drained by its claim.
"""

import logging
import os
import signal
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from jobs.fleet import dispatch_queue, held_jobs, machines, placing
from jobs.fleet.dispatch_queue import Orders
from worker.identity import Identity
from worker.supervision.reading import Reading

log = logging.getLogger(__name__)

_CORDON = "cordon"


class Drain:
    """Follows the orders of one worker's row, from its heartbeat."""

    def __init__(
        self,
        identity: Identity,
        queues: Sequence[str],
        reading: Reading,
        running: Callable[[], Collection[UUID]],
    ) -> None:
        """`queues` are those of the worker until `reads` names others.

        `running` returns the jobs that a child has begun and from which it has not returned."""
        self._identity = identity
        self._queues = queues
        self._reading = reading
        self._running = running
        self._cordoned = False
        self._ends = False

    def reads(self, queues: Sequence[str]) -> None:
        """Tell the queues of the worker, once they are known."""
        self._queues = queues

    def follow(self, session: Session, orders: Orders) -> None:
        """Do what the worker's row says now."""
        if self._ends:
            return
        self._read(orders.cordoned)
        if orders.draining:
            if not self._is_busy(session):
                self._end("is drained")
        elif self._identity.one_job and not orders.cordoned and not self._finds_a_job(session):
            self._end("finds no job that it could take")

    def _read(self, cordoned: bool) -> None:
        if cordoned and not self._cordoned:
            log.info("worker %s is cordoned: it takes no more jobs", self._identity.name)
            self._reading.stop(_CORDON)
        elif self._cordoned and not cordoned:
            log.info("worker %s takes jobs again", self._identity.name)
            self._reading.go_on(_CORDON)
        self._cordoned = cordoned

    def _is_busy(self, session: Session) -> bool:
        return bool(self._running()) or held_jobs.held_by(session, self._identity.name) is not None

    def _finds_a_job(self, session: Session) -> bool:
        name = self._identity.name
        has = machines.capacity_of(session, name)
        # The worker itself last: its child may claim the job that was there a moment ago.
        return (
            any(dispatch_queue.can_be_taken(session, queue, has) for queue in self._queues)
            or placing.may_be_given(session, name)
            or self._is_busy(session)
        )

    def _end(self, why: str) -> None:
        """End as after a SIGTERM, with exit code 0. A second signal would make Celery kill its child."""
        self._ends = True
        log.info("worker %s %s: it ends", self._identity.name, why)
        os.kill(os.getpid(), signal.SIGTERM)
