"""Follows a job: yields its events in batches as they come, until the event with which it ends.

No database session stays open while a stream waits. The authorization of an open stream is re-checked, so it
ends soon after its key or page session does.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker
from starlette.concurrency import run_in_threadpool

from api.problems.problems import RETRY_AFTER_SECONDS
from jobs.access import page_sessions
from jobs.access.api_keys import Principal
from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle import event_log
from jobs.lifecycle.events import Event
from jobs.listener import Listener
from jobs.notify import of_job, of_owner
from jobs.queries import queries
from jobs.states import ENDED

log = logging.getLogger(__name__)

POLL_SECONDS = 15.0
"""How long a stream waits for a notification before it reads anyway, and sends a keep-alive to its client."""

AUTHORIZATION_SECONDS = 15.0
"""How often the authorization of an open stream is re-checked."""

_LIST_SECONDS = 0.5
"""The least time between two reads of a live list, however many notifications come."""

# Without these, a proxy may cache the stream or hold events back in a buffer.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEPALIVE = b": keep-alive\n\n"

T = TypeVar("T")
Batch = tuple[Event, ...]


class Reading(NamedTuple):
    """What one read of the tables found."""

    batch: Batch
    last_event: int
    ended: bool


class _Authorization:
    """Re-checks the authorization of an open stream."""

    def __init__(self, sessions: sessionmaker[Session], principal: Principal) -> None:
        self._sessions = sessions
        self._principal = principal
        self._checked_at = time.monotonic()

    async def is_valid(self) -> bool:
        """Whether the principal is still valid."""
        if time.monotonic() - self._checked_at < AUTHORIZATION_SECONDS:
            return True
        self._checked_at = time.monotonic()
        return await run_in_threadpool(self._check)

    def _check(self) -> bool:
        with self._sessions.begin() as session:
            return page_sessions.is_valid(session, self._principal)


class Streams:
    """The event streams of this process."""

    def __init__(self, listener: Listener, sessions: sessionmaker[Session]) -> None:
        self.listener = listener
        self._sessions = sessions

    async def follow(self, job_id: UUID, after: int, principal: Principal) -> AsyncIterator[Batch]:
        """Yield the job's events with an id greater than `after`. An empty batch is a keep-alive."""
        authorization = _Authorization(self._sessions, principal)
        async with self.listener.subscribe(of_job(job_id)) as subscription:
            while not self.listener.closed:
                try:
                    if not await authorization.is_valid():
                        return
                    batch, last_event, ended = await run_in_threadpool(self._read, job_id, after)
                except DATABASE_UNAVAILABLE as error:
                    log.warning("an event stream waits for the database: %s", type(error).__name__)
                    await subscription.wait(RETRY_AFTER_SECONDS)
                    continue
                if batch:
                    after = batch[-1].id
                    yield batch
                if after < last_event:
                    continue
                if ended:
                    return
                if not await subscription.wait(POLL_SECONDS):
                    yield ()

    async def watch(self, read: Callable[[], T], principal: Principal, owner: str) -> AsyncIterator[T]:
        """Yield what `read` returns now, and again after an event of the owner's jobs, or after a while."""
        authorization = _Authorization(self._sessions, principal)
        async with self.listener.subscribe(of_owner(owner)) as subscription:
            while not self.listener.closed:
                try:
                    if not await authorization.is_valid():
                        return
                    yield await run_in_threadpool(read)
                except DATABASE_UNAVAILABLE as error:
                    log.warning("a live list waits for the database: %s", type(error).__name__)
                await asyncio.sleep(_LIST_SECONDS)
                await subscription.wait(POLL_SECONDS)

    def read(self, owner: str, job_id: UUID, after: int) -> Reading | None:
        """Return the events with an id greater than `after` so far. None: the owner has no such job."""
        with self._sessions.begin() as session:
            job = queries.get(session, owner, job_id)
        return None if job is None else self._read(job_id, after)

    def _read(self, job_id: UUID, after: int) -> Reading:
        with self._sessions.begin() as session:
            # Events first: if the job has ended by then, its last event is in the batch or still to be read.
            batch = tuple(event_log.since(session, job_id, after))
            standing = queries.standing(session, job_id)
        if standing is None:
            return Reading(batch, 0, ended=True)
        return Reading(batch, standing.last_event, standing.state in ENDED)
