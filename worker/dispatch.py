"""The dispatcher: `pruneserve-dispatcher`. Any number of them may run at once.

Each round it

1. records its heartbeat, forgets workers and dispatchers that have been gone for about an hour, and takes
   back the jobs whose leases have expired
2. advances sweeps: it creates the next jobs of searches, and ends the sweeps that are done
3. gives queued jobs to the smallest class of workers that they fit, and anew where a class has less now
4. publishes the ids of queued jobs, in the order of `jobs.fleet.turns`, only as many as workers are idle, and
   only what one of these can run: the backlog stays in PostgreSQL, and its order may change until then
5. publishes as many stale ids again as the broker has lost messages; a duplicate is harmless

Threads work in the background: `worker.dispatcher.retention` deletes what has expired,
`worker.dispatcher.webhook_sender` sends webhooks, `worker.dispatcher.checks` looks at the files of jobs that
the API could not look at in time, `worker.dispatcher.sizing` estimates what jobs need of a worker, and
`worker.dispatcher.standing`, where figures are served to Prometheus, reads those that are in the database.

A dispatcher keeps nothing in memory that matters. It may be killed at any moment, and rebuilds a lost queue
from the table of jobs alone. While the database or the broker is unavailable, it waits.
"""

import logging
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import FrameType
from uuid import UUID

from kombu.exceptions import OperationalError as BrokerUnavailable
from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE, engine_from, sessions
from jobs.fleet import dispatch_queue, placing
from jobs.lifecycle import lifecycle
from jobs.monitoring import logs
from jobs.monitoring.catalogue import LAST_ROUND, ROUND_SECONDS
from jobs.monitoring.figures import Part
from jobs.monitoring.port import serve
from jobs.placement.classes import UNPLACED, Capacity, Classes, largest, say_what_they_have
from jobs.secret_files import WrongSettings, close_to_others, hide_from_children, missing
from jobs.settings import Settings, settings
from jobs.storage.store import Store
from jobs.sweeps import sweeps
from worker.broker.app import publish, published
from worker.broker.log import set_up
from worker.dispatcher.checks import PendingChecks
from worker.dispatcher.retention import Retention
from worker.dispatcher.sizing import Sizing
from worker.dispatcher.standing import StandingReader
from worker.dispatcher.webhook_sender import WebhookSender
from worker.identity import name_of_this_process

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 0.5
_SECONDS_AFTER_FAILURE = 2.0
_LEASES_PER_ROUND = 100
_PLACED_PER_ROUND = 500
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
        self._stopped = threading.Event()
        self._connected_since: float | None = None
        self._looked_at: float | None = None
        self._seen_at: float | None = None
        self._forgot_at: float | None = None
        self._classes: Classes = {}
        self._classes_seen_at: float | None = None
        self._shrunk: dict[str, UUID | None] = {}
        self._name = name_of_this_process()

    def run(self) -> None:
        """Run rounds until `stop` is called, whether or not the database and the broker are available."""
        while not self._stopped.is_set():
            self._stopped.wait(_SECONDS_BETWEEN_ROUNDS if self.round() else _SECONDS_AFTER_FAILURE)

    def stop(self) -> None:
        """Finish the current round and start no other."""
        self._stopped.set()

    def round(self) -> bool:
        """Run one round. False: the database or the broker was unavailable, and the rest was skipped."""
        began = time.perf_counter()
        try:
            self._record_heartbeat()
            self._take_back_expired()
            self._advance_sweeps()
            self._place()
            queues = self._waiting_queues()
            self._publish_new(queues)
            for queue in queues:
                self._publish_lost_again(queue)
        except DATABASE_UNAVAILABLE as error:
            # Workers could not extend their leases either, so for a while no expired lease means anything.
            self._connected_since = None
            log.warning("the database is unavailable (%s)", type(error).__name__)
            return False
        except BrokerUnavailable as error:
            log.warning("the broker is unavailable (%s)", type(error).__name__)
            return False
        ROUND_SECONDS.record(time.perf_counter() - began)
        LAST_ROUND.record(time.time())
        return True

    def _record_heartbeat(self) -> None:
        now = self._clock()
        if self._seen_at is None or now - self._seen_at >= self._settings.heartbeat_seconds:
            with self._database.begin() as session:
                dispatch_queue.dispatcher_seen(session, self._name)
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
            reason = f"worker {lease.worker} let its lease expire"
            with self._database.begin() as session:
                state = lifecycle.take_back(
                    session, lease.job_id, lease.lease_token, reason, self._settings.max_lost_attempts
                )
            if state is not None:
                log.warning("job %s: %s; it is %s now", lease.job_id, reason, state)

    def _advance_sweeps(self) -> None:
        with self._database.begin() as session:
            sweeps.advance(session)

    def _place(self) -> None:
        """Give sized jobs to classes. Those that fit none are looked at again when the classes change."""
        with self._database.begin() as session:
            if self._classes_seen_at != self._seen_at:  # once per heartbeat, which reads all workers
                classes = placing.live_classes(session, self._settings.lease_seconds)
                if classes != self._classes:
                    placing.look_again(session)
                    self._shrunk |= self._changed(classes)
                self._classes, self._classes_seen_at = classes, self._seen_at
            if not say_what_they_have(self._classes):  # every worker takes every job
                return
            self._leave_what_has_shrunk(session)
            placing.place_sized(session, self._classes, _PLACED_PER_ROUND)

    def _changed(self, classes: Classes) -> dict[str, UUID | None]:
        """Return the queues whose placed jobs are to be looked at, from the first, because classes changed.

        The jobs of a class without a live worker wait for one. Those of no class may find one.
        """
        changed = (queue for queue in classes if classes[queue] != self._classes.get(queue))
        return dict.fromkeys([*changed, *({UNPLACED} - classes.keys())])

    def _leave_what_has_shrunk(self, session: Session) -> None:
        """Let the jobs leave a class that no worker of it can run any more, the oldest first."""
        for queue, after in [*self._shrunk.items()]:
            has = self._classes.get(queue, ())
            last = None
            if has or queue == UNPLACED:
                last = placing.leave_what_has_shrunk(session, queue, has, after, _PLACED_PER_ROUND)
            if last is None:
                del self._shrunk[queue]
            else:
                self._shrunk[queue] = last

    def _waiting_queues(self) -> Sequence[str]:
        """Return the queues to publish to. Jobs of no class wait where every live worker is of one."""
        with self._database.begin() as session:
            queues = dispatch_queue.waiting_queues(session)
        skipped = UNPLACED if self._classes and UNPLACED not in self._classes else None
        return [queue for queue in queues if queue != skipped]

    def _publish_new(self, queues: Sequence[str]) -> None:
        """Publish as many jobs of each queue as workers are idle, unless another dispatcher does it now."""
        with self._database.begin() as session:
            if not queues or not dispatch_queue.publishes_alone(session):
                return
            idle = dispatch_queue.idle_workers(session, self._settings.lease_seconds)
            for queue in queues:
                self._publish_to(session, queue, idle.get(queue, Counter()))

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
                anything = not idle or (has == largest(self._classes.get(queue, ())) and which is has)
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
    engine = engine_from(settings(), pool_size=5)  # one connection each for rounds and four of the threads
    database = sessions(engine)
    dispatcher = Dispatcher(database, settings())
    retention = Retention(database, settings(), Store(settings().store_url))
    webhook_sender = WebhookSender(database, settings())
    checks = PendingChecks(database, settings())
    sizing = Sizing(database, settings())
    standing = StandingReader(database, settings())
    address = settings().dispatcher_metrics
    if serve(Part.DISPATCHER, address, "PRUNESERVE_DISPATCHER_METRICS", standing):
        standing.start()

    def stop(number: int, frame: FrameType | None) -> None:
        dispatcher.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("the dispatcher starts")
    retention.start()
    webhook_sender.start()
    checks.start()
    sizing.start()
    dispatcher.run()
    sizing.stop()
    standing.stop()
    checks.stop()
    webhook_sender.stop()
    retention.stop()
    engine.dispose()


if __name__ == "__main__":
    main()
