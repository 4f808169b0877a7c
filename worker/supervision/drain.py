"""Ends a worker that is drained, or that runs one job only, in order.

The worker's row has its orders: `jobs.queue.steering`. A worker for one job is drained by its claim.
"""

import logging
import os
import signal

from sqlalchemy.orm import Session

from jobs import limits
from jobs.queue import claim, held_jobs, sizing
from jobs.queue.workers import Orders
from worker import holding
from worker.identity import Identity

log = logging.getLogger(__name__)


class Drain:
    """Follows the orders of one worker's row, from its heartbeat."""

    def __init__(self, identity: Identity) -> None:
        """Nothing happens before `follow`."""
        self._identity = identity
        self._cordoned = False
        self._ends = False

    def follow(self, session: Session, orders: Orders) -> None:
        """Do what the worker's row orders now."""
        if self._ends:
            return
        if orders.cordoned != self._cordoned:
            word = "is cordoned: it takes no more jobs" if orders.cordoned else "takes jobs again"
            log.info("worker %s %s", self._identity.name, word)
            self._cordoned = orders.cordoned
        if orders.draining:
            if not self._is_busy(session):
                self._end("is drained")
        elif self._identity.one_job and not orders.cordoned and not self._has_claimable_job(session):
            self._end("finds no job that it could take")

    def _is_busy(self, session: Session) -> bool:
        held = bool(holding.read_all(self._identity.holdings))
        return held or held_jobs.held_by(session, self._identity.name) is not None

    def _has_claimable_job(self, session: Session) -> bool:
        # The worker itself last: its child may claim the job that was there a moment ago.
        return (
            claim.can_claim(session, self._identity.name, limits.LEASE_SECONDS)
            or sizing.has_unsized(session)
            or self._is_busy(session)
        )

    def _end(self, why: str) -> None:
        """End as after a SIGTERM, with exit code 0. A second signal would make Celery kill its child."""
        self._ends = True
        log.info("worker %s %s: it ends", self._identity.name, why)
        os.kill(os.getpid(), signal.SIGTERM)
