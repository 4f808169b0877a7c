"""Reads a snapshot of the queues for Prometheus, in a thread of the scheduler.

One process reads it for all, every few seconds, however often and by whom it is asked: a scrape is answered
with the last snapshot, and says when that was taken.
"""

import time
from collections.abc import Iterable

from jobs import limits
from jobs.database import Database
from jobs.monitoring.catalogue import (
    JOBS,
    OLDEST_QUEUED,
    OLDEST_WEBHOOK_DELIVERY,
    QUEUED_JOBS,
    READ_AT,
    WEBHOOK_DELIVERIES_DUE,
    WORKERS,
    GaugeFamily,
)
from jobs.monitoring.serving import Values
from jobs.queue.overview import QueueSnapshot, snapshot
from scheduler.background import Background

_HEARTBEATS_BETWEEN_READS = 2


class MetricsReader(Background):
    """Reads once in each round; a source of gauges."""

    name = "metrics"

    def __init__(self, database: Database) -> None:
        super().__init__(_HEARTBEATS_BETWEEN_READS * limits.HEARTBEAT_SECONDS, at_once=True)
        self._database = database
        self._read: tuple[QueueSnapshot, float] | None = None

    def round(self) -> None:
        """Read once."""
        with self._database.begin() as session:
            found = snapshot(session, limits.LEASE_SECONDS)
        self._read = found, time.time()

    def gauges(self) -> Iterable[tuple[GaugeFamily, Values]]:
        """Return the last snapshot; nothing before the first one."""
        if self._read is None:
            return
        found, at = self._read
        yield JOBS, found.jobs.items()
        yield QUEUED_JOBS, found.queued.items()
        yield OLDEST_QUEUED, [((queue,), seconds) for queue, seconds in found.oldest_seconds.items()]
        yield WORKERS, found.workers.items()
        yield WEBHOOK_DELIVERIES_DUE, [((), found.webhook_deliveries_due)]
        yield OLDEST_WEBHOOK_DELIVERY, [((), found.oldest_webhook_delivery_seconds)]
        yield READ_AT, [((), at)]
