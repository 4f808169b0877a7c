"""The rounds of a scheduler.

Each round it

1. records its heartbeat, deletes workers and schedulers without heartbeats for about an hour, and takes
   back the jobs whose leases have expired
2. advances sweeps: it creates the next jobs of searches, and ends the sweeps that are done
3. wakes as many idle workers as can claim a job: `scheduler.wake_ups`

A round follows each notification of the queue, without its first part, and one each heartbeat. A scheduler
keeps nothing in memory that matters, and may be killed at any moment. While the database or the broker is
unavailable, or the schema is another one, it waits.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from kombu.exceptions import OperationalError as BrokerUnavailable

from jobs import broker, limits
from jobs.clock import boot_time
from jobs.database import DATABASE_UNAVAILABLE, OTHER_SCHEMA, Database, in_one_line, waits_for_others
from jobs.lifecycle import lifecycle
from jobs.monitoring.catalogue import LAST_ROUND, ROUND_SECONDS
from jobs.notify import QUEUE, Listener
from jobs.queue import workers
from jobs.queue.held_jobs import ExpiredLease, expired_leases
from jobs.queue.resources import UNKNOWN_QUEUE
from jobs.settings import Settings
from jobs.states import LostAttempt
from jobs.sweeps import sweeps
from scheduler.background import Background, Pause
from scheduler.wake_ups import wake_workers

log = logging.getLogger(__name__)

_SECONDS_AFTER_FAILURE = 2.0
_LEASES_PER_ROUND = 100
_STALE_AFTER_SECONDS = 3600.0
_RECONNECT_SECONDS = 5.0
_WAIT_SECONDS = 3600.0


class Scheduler:
    """Runs one round after another until it is stopped."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = boot_time) -> None:
        self._database = database
        self._clock = clock
        self._between = Pause()
        self._connected_since: float | None = None
        self._outage_ended_at = float("-inf")
        self._checked_at: float | None = None
        self._seen_at: float | None = None
        self._fits_the_schema = True
        self._reaches_broker = True
        self._deleted_at: float | None = None
        self._failed_sweeps: set[UUID] = set()
        self._name = workers.unique_name()

    def run(self) -> None:
        """Run rounds until `stop` is called, whether or not the database and the broker are available."""
        next_at, stopped = time.monotonic(), self._between.stopped
        while not stopped:
            whole = time.monotonic() >= next_at
            succeeded = self.round(whole=whole)
            now = time.monotonic()
            if not succeeded:
                next_at = now + _SECONDS_AFTER_FAILURE
            elif whole:
                next_at = now + limits.HEARTBEAT_SECONDS
            stopped = self._between.wait(max(0.0, next_at - now), whole=not succeeded)

    def wake(self) -> None:
        """Run a round without waiting: a job or a worker may have become free."""
        self._between.cut_short()

    def stop(self) -> None:
        """Finish the current round and start no other."""
        self._between.stop()

    def round(self, *, whole: bool = True) -> bool:
        """Run one round, or that part of it alone that follows a notification.

        False: the database or the broker was unavailable, or the schema is another one; the rest was skipped.
        """
        began = time.perf_counter()
        try:
            if whole:
                if self._fits_the_schema:
                    self._record_heartbeat()
                self._take_back_expired()
            with self._database.begin() as session:
                sweeps.advance(session, failed=self._failed_sweeps)
            with self._database.begin() as session:
                asked_broker = wake_workers(session, limits.LEASE_SECONDS)
            if whole and not asked_broker:  # each scheduler says for itself whether the broker answers
                broker.length(UNKNOWN_QUEUE)
            if whole or asked_broker:
                self._record_broker_status(reached=True)
        except DATABASE_UNAVAILABLE as error:
            if waits_for_others(error):
                log.warning("the rest of the round was postponed: another process holds a lock that it needs")
                return False
            # Workers could not extend their leases either, so for a while no expired lease means anything.
            self._connected_since = None
            log.warning("the database is unavailable (%s)", in_one_line(error))
            return False
        except OTHER_SCHEMA as error:
            self._connected_since = None  # nor could workers of this version
            self._fits_the_schema = False  # it must not count as one that wakes workers
            log.error("the database has another schema than this version needs (%s)", in_one_line(error))
            return False
        except BrokerUnavailable as error:
            log.warning("the broker is unavailable (%s)", str(error).partition("\n")[0])
            with suppress(*DATABASE_UNAVAILABLE, *OTHER_SCHEMA):  # the next round says what it is
                self._record_broker_status(reached=False)
            return False
        self._fits_the_schema = True
        if whole:
            ROUND_SECONDS.record(time.perf_counter() - began)
            LAST_ROUND.record(time.time())
        return True

    def _record_broker_status(self, *, reached: bool) -> None:
        """Record at once whether the broker answers: it is why jobs wait."""
        if reached != self._reaches_broker:
            with self._database.begin() as session:
                workers.record_scheduler_heartbeat(session, self._name, reaches_broker=reached)
            self._reaches_broker = reached

    def _record_heartbeat(self) -> None:
        now = self._clock()
        if self._seen_at is None or now - self._seen_at >= limits.HEARTBEAT_SECONDS:
            with self._database.begin() as session:
                workers.record_scheduler_heartbeat(session, self._name, reaches_broker=self._reaches_broker)
                if self._deleted_at is None or now - self._deleted_at >= _STALE_AFTER_SECONDS / 10:
                    workers.delete_stale_workers(session, _STALE_AFTER_SECONDS)
                    workers.delete_stale_schedulers(session, _STALE_AFTER_SECONDS)
                    self._deleted_at = now
                    self._failed_sweeps.clear()  # to be tried again
            self._seen_at = now

    def _take_back_expired(self) -> None:
        """Requeue the jobs whose leases have expired, once this scheduler has been connected for one lease.

        Until then, workers that are alive may not yet have had the time to extend theirs. A database, or this
        machine, that stood still raises no error: a check that is later than half a lease counts as a new
        connection.
        """
        with self._database.begin() as session:
            expired = expired_leases(session, _LEASES_PER_ROUND)
        now, before = self._clock(), self._checked_at
        if before is None or now - before > limits.LEASE_SECONDS / 2:
            self._connected_since = None
        self._checked_at = now
        if self._connected_since is None:
            self._connected_since = now
            if before is not None:  # this is no start
                self._outage_ended_at = now
        if now - self._connected_since < limits.LEASE_SECONDS:
            return
        for lease in expired:
            # One that was extended after the outage has lasted for longer.
            in_outage = now - lease.expired_for < self._outage_ended_at + limits.LEASE_SECONDS
            try:
                self._take_back(lease, in_outage=in_outage)
            except DATABASE_UNAVAILABLE as error:
                if not waits_for_others(error):
                    raise
                log.warning("job %s: another process holds its lock; it is taken back later", lease.job_id)

    def _take_back(self, lease: ExpiredLease, *, in_outage: bool) -> None:
        with self._database.begin() as session:
            # A worker sends a heartbeat at least twice in the time of a lease, whatever its job does.
            died = workers.is_stale(session, lease.worker, limits.LEASE_SECONDS / 2)
            of_the_job = not died and not in_outage
            most = limits.MAX_LOST_ATTEMPTS if of_the_job else limits.MAX_WORKER_FAULTS
            kind, reason = LostAttempt.LOST_WORKER, f"worker {lease.worker} let its lease expire"
            if died:
                reason = f"worker {lease.worker} is gone"
            elif in_outage:
                kind = LostAttempt.DATABASE
                reason = f"the database was unavailable, so worker {lease.worker} could not extend its lease"
            state = lifecycle.take_back(
                session, lease.job_id, lease.lease_token, reason, most, kind, of_the_job=of_the_job
            )
        if state is not None:
            log.warning("job %s: %s; it is %s now", lease.job_id, reason, state)


class QueueListener(Background):
    """Listens to the channel of the queue."""

    name = "listening"

    def __init__(self, settings: Settings, wake: Callable[[], object]) -> None:
        """`wake` is called, from another thread, for each notification."""
        super().__init__(_RECONNECT_SECONDS, at_once=True)
        self._settings = settings
        self._wake = wake

    def round(self) -> None:
        """Listen. It ends with the process: the listener itself connects again."""
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        listener = Listener.of(self._settings, QUEUE, "scheduler")
        async with listener.listening(), listener.subscribe("") as subscription:
            while not listener.closed:
                if await subscription.wait(_WAIT_SECONDS):
                    self._wake()
