"""The dispatcher: `pruneserve-dispatcher`. Any number of them may run at once.

Each round it

1. records its heartbeat, forgets workers and dispatchers that have been gone for about an hour, and takes
   back the jobs whose leases have expired
2. advances sweeps: it creates the next jobs of searches, and ends the sweeps that are done
3. gives queued jobs to the smallest class of workers that they fit, and anew where a class has less now, or
   has had no live worker for too long: `worker.dispatcher.placement`
4. publishes the ids of queued jobs, in the order of `jobs.fleet.turns`, only as many as workers are idle, and
   only what one of these can run: the backlog stays in PostgreSQL, and its order may change until then; idle
   workers of which nothing of their own class waits are sent jobs of other queues that they read, and of
   smaller classes; whether the broker took them is told to everybody who waits
5. publishes as many stale ids again as the broker has lost messages; a duplicate is harmless

Threads work in the background: `worker.dispatcher.retention` deletes what has expired,
`worker.dispatcher.webhook_sender` sends webhooks, `worker.dispatcher.checks` looks at the files of jobs that
the API could not look at in time, `worker.dispatcher.sizing` estimates what jobs need of a worker,
`worker.dispatcher.memberships` asks the identity provider whether people still are in their groups, and
`worker.dispatcher.standing`, where figures are served to Prometheus, reads those that are in the database.

Rounds are half a second apart. When a job can be published or a worker is free, of which
`worker.dispatcher.listening` hears, steps 3 and 4 do not wait for the next one: once for all that happens
together.

A dispatcher keeps nothing in memory that matters. It may be killed at any moment, and rebuilds a lost queue
from the table of jobs alone. While the database or the broker is unavailable, or the schema is another one,
it waits.
"""

import logging
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from uuid import UUID

from kombu.exceptions import OperationalError as BrokerUnavailable
from sqlalchemy.orm import Session, sessionmaker

from jobs.access.oidc import Provider
from jobs.database import (
    DATABASE_UNAVAILABLE,
    OTHER_SCHEMA,
    connection_name,
    engine_from,
    in_one_line,
    sessions,
    waits_for_others,
)
from jobs.fleet import dispatch_queue, names
from jobs.fleet.dispatch_queue import ExpiredLease, Idle
from jobs.hints import hints
from jobs.lifecycle import lifecycle
from jobs.lifecycle.placing import lend
from jobs.monitoring import logs
from jobs.monitoring.catalogue import LAST_ROUND, ROUND_SECONDS
from jobs.monitoring.figures import Part
from jobs.monitoring.port import serve
from jobs.placement.classes import UNPLACED, Capacity, larger_than, largest, smallest_first
from jobs.secret_files import WrongSettings, close_to_others, hide_from_children, missing
from jobs.settings import Settings, settings
from jobs.storage.store import Store
from jobs.sweeps import sweeps
from worker.broker.app import publish, published
from worker.broker.log import set_up
from worker.dispatcher.background import Background
from worker.dispatcher.checks import PendingChecks
from worker.dispatcher.listening import Listening
from worker.dispatcher.memberships import MembershipChecks
from worker.dispatcher.pause import Pause
from worker.dispatcher.placement import Placement
from worker.dispatcher.retention import Retention
from worker.dispatcher.sizing import Sizing
from worker.dispatcher.standing import StandingReader
from worker.dispatcher.webhook_sender import WebhookSender

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 0.5
_LEAST_PAUSE_SECONDS = 0.05  # however much happens: whoever publishes reads all workers
_SECONDS_AFTER_FAILURE = 2.0
_CHECK_IN_HAND_SECONDS = 5.0  # a membership's, whose answer may hold the only refresh token that counts
_LEASES_PER_ROUND = 100
_PUBLISHED_PER_ROUND = 100
_KEPT_SECONDS = 3600.0


class Dispatcher:
    """Runs one round after another until it is stopped."""

    def __init__(
        self,
        database: sessionmaker[Session],
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._between = Pause(_LEAST_PAUSE_SECONDS)
        self._connected_since: float | None = None
        self._looked_at: float | None = None
        self._seen_at: float | None = None
        self._fits_the_schema = True
        self._reaches_broker = True
        self._forgot_at: float | None = None
        self._placement = Placement(database, settings)
        self._name = names.new_name()

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
                next_at = now + _SECONDS_BETWEEN_ROUNDS
            stopped = self._between.wait(max(0.0, next_at - now), whole=not succeeded)

    def wake(self) -> None:
        """Publish without waiting for the next round: a job or a worker may have become free."""
        self._between.cut_short()

    def worker_came(self) -> None:
        """Look at the workers without waiting for the next heartbeat: one has said what it has."""
        self._placement.look_at_workers()
        self.wake()

    def stop(self) -> None:
        """Finish the current round and start no other."""
        self._between.stop()

    def round(self, *, whole: bool = True) -> bool:
        """Run one round, or that part of it alone that gives new jobs to idle workers.

        False: the database or the broker was unavailable, or the schema is another one; the rest was skipped.
        """
        began = time.perf_counter()
        try:
            if whole:
                if self._fits_the_schema:
                    self._record_heartbeat()
                self._take_back_expired()
                self._advance_sweeps()
            self._placement.round(self._seen_at or 0.0)
            self._ask_a_silent_broker()
            queues = self._waiting_queues()
            self._publish_new(queues)
            self._tell_of_broker(reached=True)
            if not whole:
                return True
            for queue in queues:
                self._publish_lost_again(queue)
        except DATABASE_UNAVAILABLE as error:
            if waits_for_others(error):
                log.warning("the rest of a round is put off: another process holds a lock that it needs")
                return False
            # Workers could not extend their leases either, so for a while no expired lease means anything.
            self._connected_since = None
            log.warning("the database is unavailable (%s)", type(error).__name__)
            return False
        except OTHER_SCHEMA as error:
            self._connected_since = None  # nor could workers of this version
            self._fits_the_schema = False  # nobody is to take it for one that publishes
            log.error("the database has another schema than this version needs (%s)", in_one_line(error))
            return False
        except BrokerUnavailable as error:
            log.warning("the broker is unavailable (%s)", type(error).__name__)
            with suppress(*DATABASE_UNAVAILABLE, *OTHER_SCHEMA):  # the next round says what it is
                self._tell_of_broker(reached=False)
            return False
        self._fits_the_schema = True
        ROUND_SECONDS.record(time.perf_counter() - began)
        LAST_ROUND.record(time.time())
        return True

    def _ask_a_silent_broker(self) -> None:
        """Raise BrokerUnavailable while it is silent: without a job to publish, nothing else would ask.

        Its answer alone does not say that it is there again: it may be out of memory, or refuse to write.
        """
        if not self._reaches_broker:
            published(UNPLACED)

    def _tell_of_broker(self, *, reached: bool) -> None:
        """Let everybody who waits know at once whether the broker answers."""
        if reached != self._reaches_broker:
            with self._database.begin() as session:
                dispatch_queue.dispatcher_seen(session, self._name, reaches_broker=reached)
            self._reaches_broker = reached

    def _record_heartbeat(self) -> None:
        now = self._clock()
        if self._seen_at is None or now - self._seen_at >= self._settings.heartbeat_seconds:
            with self._database.begin() as session:
                dispatch_queue.dispatcher_seen(session, self._name, reaches_broker=self._reaches_broker)
                if self._forgot_at is None or now - self._forgot_at >= _KEPT_SECONDS / 10:
                    dispatch_queue.forget_the_silent(session, _KEPT_SECONDS)  # reads all workers
                    self._forgot_at = now
            self._seen_at = now

    def _take_back_expired(self) -> None:
        """Requeue the jobs whose leases have expired, once this dispatcher has been connected for one lease.

        Until then, workers that are alive may not yet have had the time to extend theirs. A database that
        stood still raises no error: a look that is late by more than a live worker's lease can bear counts as
        a new connection.
        """
        with self._database.begin() as session:
            expired = dispatch_queue.expired_leases(session, _LEASES_PER_ROUND)
        now = self._clock()
        if self._looked_at is None or now - self._looked_at > self._settings.lease_seconds / 2:
            self._connected_since = None
        self._looked_at = now
        self._connected_since = self._connected_since or now
        if now - self._connected_since < self._settings.lease_seconds:
            return
        for lease in expired:
            try:
                self._take_back(lease)
            except DATABASE_UNAVAILABLE as error:
                if not waits_for_others(error):
                    raise
                log.warning("job %s: another process holds its lock; it is taken back later", lease.job_id)

    def _take_back(self, lease: ExpiredLease) -> None:
        settings = self._settings
        with self._database.begin() as session:
            # A worker sends a heartbeat at least twice in the time of a lease, whatever its job does.
            died = dispatch_queue.is_silent(session, lease.worker, settings.lease_seconds / 2)
            most = settings.max_worker_faults if died else settings.max_lost_attempts
            reason = f"worker {lease.worker} {'is gone' if died else 'let its lease expire'}"
            state = lifecycle.take_back(
                session, lease.job_id, lease.lease_token, reason, most, worker_died=died
            )
        if state is not None:
            log.warning("job %s: %s; it is %s now", lease.job_id, reason, state)

    def _advance_sweeps(self) -> None:
        with self._database.begin() as session:
            sweeps.advance(session)

    def _waiting_queues(self) -> Sequence[str]:
        """Return the queues to publish to. Jobs of no class wait where every live worker is of one."""
        with self._database.begin() as session:
            queues = dispatch_queue.waiting_queues(session)
        classes = self._placement.classes
        skipped = UNPLACED if classes and UNPLACED not in classes else None
        return [queue for queue in queues if queue != skipped]

    def _publish_new(self, queues: Sequence[str]) -> None:
        """Publish as many jobs of each queue as workers are idle, unless another dispatcher does it now."""
        with self._database.begin() as session:
            if not queues or not dispatch_queue.publishes_alone(session):
                return
            idle = dispatch_queue.idle_workers(session, self._settings.lease_seconds)
            own = {queue: dispatch_queue.idle_in(idle, queue) for queue in queues}
            for queue in queues:
                self._publish_to(session, queue, own[queue])
            # Then workers of which nothing of their own class waits: into other queues that they read.
            classes = {alike.queues[0] for alike in idle}
            free = {queue for queue in classes if self._free(session, idle, queue) > 0}
            for queue in queues:
                workers = dispatch_queue.idle_in(idle, queue, of_others=free)
                if workers != own[queue]:
                    self._publish_to(session, queue, workers)
            self._lend(session, queues, idle)

    def _free(self, session: Session, idle: Sequence[Idle], queue: str) -> int:
        """Return how many idle workers of a class no message waits for, in any queue that they read."""
        of_class = dispatch_queue.idle_in(idle, queue).total()
        further = {name for alike in idle if alike.queues[0] == queue for name in alike.queues[1:]}
        for_others = sum(
            max(0, dispatch_queue.dispatched(session, name) - dispatch_queue.idle_in(idle, name).total())
            for name in further
        )
        return of_class - dispatch_queue.dispatched(session, queue) - for_others

    def _lend(self, session: Session, queues: Sequence[str], idle: Sequence[Idle]) -> None:
        """Let workers of larger classes take jobs of smaller ones where nothing of their own waits.

        The nearest class first. A job that has run stays: its finished blocks count on a like device alone.
        A class with an idle worker for one job lends none: it was started for a job of its own, and ends.
        """
        classes, paused = self._placement.classes, dispatch_queue.paused_queues(session)
        lends_none = {alike.queues[0] for alike in idle if alike.one_job}
        for queue in smallest_first(queues, classes):
            for larger in larger_than(queue, classes):
                has = dispatch_queue.idle_in(idle, larger)
                if not has or None in has or larger in paused or larger in lends_none:
                    continue
                room = min(self._free(session, idle, larger), _PUBLISHED_PER_ROUND)
                taken = dispatch_queue.take_for_larger(session, queue, room, has) if room > 0 else ()
                if taken:
                    lend(session, taken, larger)
                    self._publish(session, larger, taken)

    def _publish_to(self, session: Session, queue: str, idle: Counter[Capacity | None]) -> None:
        """Publish as many jobs of a queue as workers are idle, of those that one of these can run.

        First what the smaller ones can run, so that jobs that only the largest can do not keep them idle.
        """
        unclaimed = dispatch_queue.dispatched(session, queue)
        room = min(idle.total() + self._settings.queue_backlog - unclaimed, _PUBLISHED_PER_ROUND)
        has = largest(idle)
        smaller = idle.total() - sum(idle[capacity] for capacity in has) - unclaimed
        for most, which in ((smaller, [it for it in idle if it not in has]), (room, has)):
            limit = min(most, room)
            if limit > 0:
                anything = not idle or (
                    has == largest(self._placement.classes.get(queue, ())) and which is has
                )
                taken = dispatch_queue.take_undispatched(session, queue, limit, None if anything else which)
                self._publish(session, queue, taken)
                room -= len(taken)

    def _publish_lost_again(self, queue: str) -> None:
        """Publish as many stale jobs again as the broker has lost messages. A duplicate is harmless.

        The broker's other messages only wait, because all workers are busy.
        """
        with self._database.begin() as session:
            dispatched = dispatch_queue.dispatched(session, queue)
            lost = dispatched - published(queue) if dispatched else 0
            if lost > 0:
                stale = dispatch_queue.take_stale(session, queue, self._settings.republish_seconds, lost)
                self._publish(session, queue, stale)

    def _publish(self, session: Session, queue: str, job_ids: Sequence[UUID]) -> None:
        # Publish first and mark afterwards: a dispatcher that dies in between duplicates a message, which is
        # harmless. The other way round it would lose one.
        for job_id in job_ids:
            publish(queue, job_id)
            log.info("job %s: published", job_id)
        if job_ids:
            dispatch_queue.mark_dispatched(session, job_ids)


def main() -> None:
    """Dispatch until SIGTERM or Ctrl-C."""
    logs.begin(Part.DISPATCHER)
    hide_from_children()
    close_to_others()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger().setLevel(logging.INFO)
    set_up(logging.getLogger(), Part.DISPATCHER)
    if settings().broker_url is None:  # or every round would fail on it
        raise WrongSettings(missing("BROKER_URL", "redis://…"))
    provider = Provider.of(settings())
    # One connection each for rounds and four of the threads, and for the checks of memberships.
    pool_size = 5 if provider is None else 6
    engine = engine_from(settings(), name=connection_name("dispatcher"), pool_size=pool_size)
    database = sessions(engine)
    dispatcher = Dispatcher(database, settings())

    def stop(number: int, frame: FrameType | None) -> None:
        dispatcher.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("the dispatcher starts")
    with _background(dispatcher, database, settings(), provider):
        dispatcher.run()
    engine.dispose()


@contextmanager
def _background(
    dispatcher: Dispatcher, database: sessionmaker[Session], settings: Settings, provider: Provider | None
) -> Iterator[None]:
    """What works in threads while the dispatcher does. The last to start is the first to stop."""
    threads: list[Background] = []
    standing = StandingReader(database, settings)
    if serve(Part.DISPATCHER, settings.dispatcher_metrics, "PRUNESERVE_DISPATCHER_METRICS", standing):
        threads.append(standing)
    checks, sizing = PendingChecks(database, settings), Sizing(database, settings)

    def submitted() -> None:
        checks.wake()
        sizing.wake()

    threads += [
        Retention(database, settings, Store(settings.store_url)),
        WebhookSender(database, settings),
        checks,
        sizing,
        Listening(
            settings,
            {
                hints.DISPATCH: dispatcher.wake,
                hints.WORKERS: dispatcher.worker_came,
                hints.SUBMITTED: submitted,
            },
        ),
    ]
    memberships = MembershipChecks(database, settings, provider) if provider else None
    if memberships is not None:
        threads.append(memberships)
    for thread in threads:
        thread.start()
    yield
    for thread in reversed(threads):
        thread.stop()
    if memberships is not None:
        memberships.wait(_CHECK_IN_HAND_SECONDS)


if __name__ == "__main__":
    main()
