"""The dispatcher: `python -m worker.dispatch`, any number of them at once.

1. publish the ids of queued jobs, only a few more than there are workers: the backlog stays in PostgreSQL
2. publish again what nobody has claimed for a while and the broker has lost
3. take jobs back from workers that have let their lease run out
4. ask for the next jobs of searches
5. beside that, let go of what has had its time: see `worker.dispatcher.retention`

It keeps nothing in memory that matters, so it may be killed at any moment, and it rebuilds a lost queue from
the table alone. The database and the broker may come and go; it waits for them.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from uuid import UUID

from kombu.exceptions import OperationalError as BrokerAway
from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE, engine_from, sessions
from jobs.fleet import dispatch_queue
from jobs.lifecycle import lifecycle
from jobs.settings import Settings, settings
from jobs.storage.store import Store
from jobs.sweeps import sweeps
from worker.broker.app import publish, published
from worker.dispatcher.retention import Upkeep
from worker.dispatcher.webhook_sender import WebhookSender

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 0.5
_SECONDS_AFTER_TROUBLE = 2.0
_LEASES_PER_ROUND = 100
_WORKERS_KEPT_SECONDS = 3600.0


class Dispatcher:
    """One round after the other, until it is stopped."""

    def __init__(
        self,
        database: sessionmaker[Session],
        limits: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`limits`: how many messages, how old, how long a lease."""
        self._database = database
        self._limits = limits
        self._clock = clock
        self._stopping = threading.Event()
        self._connected_since: float | None = None

    def run(self) -> None:
        """Dispatch until `stop`, whatever goes away meanwhile."""
        while not self._stopping.is_set():
            self._stopping.wait(_SECONDS_BETWEEN_ROUNDS if self.round() else _SECONDS_AFTER_TROUBLE)

    def stop(self) -> None:
        """Finish the current round, and no more."""
        self._stopping.set()

    def round(self) -> bool:
        """One look at everything. False: the database or the broker is away; what could be done was done."""
        try:
            self.reclaim()
            self.advance_sweeps()
            self.dispatch()
        except DATABASE_UNAVAILABLE as error:
            # Workers could not extend their leases either, so nobody's lease says anything for a while.
            self._connected_since = None
            log.warning("the database is away (%s)", type(error).__name__)
            return False
        except BrokerAway as error:
            log.warning("the broker is away (%s)", type(error).__name__)
            return False
        return True

    def reclaim(self) -> None:
        """Take back the jobs of workers that are gone, once those that are not have had time to say so."""
        now = self._clock()
        with self._database.begin() as session:
            dispatch_queue.forget_workers(session, _WORKERS_KEPT_SECONDS)
            expired = dispatch_queue.expired_leases(session, _LEASES_PER_ROUND)
        self._connected_since = self._connected_since or now
        if now - self._connected_since < self._limits.lease_seconds:
            return
        for lease in expired:
            reason = f"worker {lease.worker} let its lease run out"
            with self._database.begin() as session:
                state = lifecycle.give_up_lost(
                    session, lease.job_id, lease.lease_token, reason, self._limits.max_losses
                )
            if state is not None:
                log.warning("job %s: %s; it is %s now", lease.job_id, reason, state)

    def advance_sweeps(self) -> None:
        """Ask for the next jobs of searches, and end the sweeps that are through."""
        with self._database.begin() as session:
            sweeps.advance(session)

    def dispatch(self) -> None:
        """Publish what may be published, queue by queue."""
        with self._database.begin() as session:
            queues = dispatch_queue.waiting_queues(session)
        for queue in queues:
            self._publish_new(queue)
            self._publish_again(queue)

    def _publish_new(self, queue: str) -> None:
        with self._database.begin() as session:
            workers = dispatch_queue.live_workers(session, queue, self._limits.lease_seconds)
            room = workers + self._limits.backlog_per_worker - dispatch_queue.dispatched(session, queue)
            if room > 0:
                self._publish(session, queue, dispatch_queue.take_undispatched(session, queue, room))

    def _publish_again(self, queue: str) -> None:
        """What the broker still holds needs no second message, however long all workers are busy."""
        with self._database.begin() as session:
            stale = dispatch_queue.take_stale(session, queue, self._limits.republish_seconds)
            lost = dispatch_queue.dispatched(session, queue) - published(queue) if stale else 0
            self._publish(session, queue, stale[: max(0, lost)])

    def _publish(self, session: Session, queue: str, job_ids: Sequence[UUID]) -> None:
        # Published first and marked afterwards: a dispatcher that dies in between has doubled a message,
        # which does no harm, and not lost one.
        for job_id in job_ids:
            publish(queue, job_id)
            log.info("job %s: published", job_id)
        if job_ids:
            dispatch_queue.mark_dispatched(session, job_ids)


def main() -> None:
    """Dispatch until SIGTERM or Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    engine = engine_from(settings(), pool_size=3)  # for the rounds, the upkeep and the webhooks
    dispatcher = Dispatcher(sessions(engine), settings())
    deliverer = WebhookSender(sessions(engine), settings())
    upkeep = Upkeep(sessions(engine), settings(), Store(settings().store_url))

    def stop(number: int, frame: FrameType | None) -> None:
        dispatcher.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("the dispatcher begins")
    upkeep.start()
    deliverer.start()
    dispatcher.run()
    deliverer.stop()
    upkeep.stop()
    engine.dispose()


if __name__ == "__main__":
    main()
