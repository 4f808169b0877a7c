"""Wakes the streams of a job when something happened to it: one LISTEN connection for the whole process.

A ring carries nothing but the job's id; whoever is woken reads the events from the table. So a ring that
comes twice costs a read, and one that is lost costs a wait: streams also look every so often by themselves,
and all are woken after each reconnect.
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
    """What one stream waits at. A ring between two waits is not lost: the second returns at once."""

    def __init__(self, ring: int) -> None:
        """`ring` numbers the latest ring of any bell; equal numbers were rung, or taken, at one moment."""
        self.last_ring = ring
        self._rung = asyncio.Event()

    def ring(self, number: int) -> None:
        """Wake the stream."""
        self.last_ring = number
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Whether it rang within `seconds`, or has since the last wait."""
        try:
            await asyncio.wait_for(self._rung.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._rung.clear()
        return True


class EventListener:
    """The bells of all open streams, and the connection that rings them."""

    def __init__(self, database_url: str) -> None:
        """`database_url` in libpq's own form."""
        self._url = database_url
        self._bells: dict[UUID | None, set[Subscription]] = {}
        self._rings = 0
        self.closed = False

    @contextlib.contextmanager
    def bell(self, job_id: UUID | None) -> Iterator[Subscription]:
        """A bell for one job's events, or for every job's (None). Read once after taking it."""
        bell = Subscription(self._rings)
        self._bells.setdefault(job_id, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[job_id].discard(bell)
            if not self._bells[job_id]:
                del self._bells[job_id]

    def close(self) -> None:
        """Wake every stream for the last time: each sees `closed` and ends."""
        self.closed = True
        self._ring_all()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen in the background, and end all streams at the end."""
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
                log.warning("listening for events was interrupted: %s", type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=5,
            application_name="pruneserve-events",
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._ring_all()
            async for notification in connection.notifies():
                job_id = UUID(notification.payload)
                self._ring(*self._bells.get(job_id, ()), *self._bells.get(None, ()))

    def _ring(self, *bells: Subscription) -> None:
        self._rings += 1
        for bell in bells:
            bell.ring(self._rings)

    def _ring_all(self) -> None:
        self._ring(*itertools.chain(*self._bells.values()))
