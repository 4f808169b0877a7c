"""Listens for PostgreSQL notifications and wakes the streams that wait for them.

One LISTEN connection serves the whole process. A notification carries only a job's id; the stream that it
wakes reads the events from the table. So one that arrives twice costs a read, and one that is lost costs a
delay: streams also read at intervals, and all of them after each reconnect.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import psycopg

from jobs.lifecycle.event_log import CHANNEL

log = logging.getLogger(__name__)

_RECONNECT_SECONDS = 1.0


class Subscription:
    """What one stream waits on. A notification between two waits is kept: the second wait returns at once."""

    def __init__(self, notification: int) -> None:
        """`notification` is the number of the process's latest notification."""
        self.last_notification = notification
        self._notified = asyncio.Event()

    def notify(self, number: int) -> None:
        """Wake the stream. Streams with equal numbers were woken by the same notification."""
        self.last_notification = number
        self._notified.set()

    async def wait(self, seconds: float) -> bool:
        """Return whether a notification came within `seconds`, or since the last wait."""
        try:
            await asyncio.wait_for(self._notified.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._notified.clear()
        return True


class EventListener:
    """The LISTEN connection of the process, and the subscriptions of all open streams."""

    def __init__(self, database_url: str) -> None:
        """`database_url` is in libpq's own form."""
        self.url = database_url
        self._subscriptions: dict[UUID | None, set[Subscription]] = {}
        self._notifications = 0
        self.closed = False

    @contextlib.contextmanager
    def subscribe(self, job_id: UUID | None) -> Iterator[Subscription]:
        """Subscribe to one job's events, or to every job's (None). Read the table once after subscribing."""
        subscription = Subscription(self._notifications)
        self._subscriptions.setdefault(job_id, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions[job_id].discard(subscription)
            if not self._subscriptions[job_id]:
                del self._subscriptions[job_id]

    def close(self) -> None:
        """Wake every stream for the last time: each sees `closed` and ends."""
        self.closed = True
        self._notify_all()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen in the background; on exit, end all streams."""
        task = asyncio.create_task(self._listen_forever())
        try:
            yield
        finally:
            self.close()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, ValueError) as error:
                log.warning("the connection that listens for events was lost: %s", type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self.url,
            autocommit=True,
            connect_timeout=5,
            application_name="pruneserve-events",
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._notify_all()
            async for notification in connection.notifies():
                job_id = UUID(notification.payload)
                self._notify(*self._subscriptions.get(job_id, ()), *self._subscriptions.get(None, ()))

    def _notify(self, *subscriptions: Subscription) -> None:
        self._notifications += 1
        for subscription in subscriptions:
            subscription.notify(self._notifications)

    def _notify_all(self) -> None:
        self._notify(*itertools.chain(*self._subscriptions.values()))
