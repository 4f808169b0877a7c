"""Event streams: a job's events in batches as they come, until the event with which it ends.

No database session stays open while a stream waits. The authorization of an open stream is checked again
regularly, so it ends soon after its key or page session does, or loses a scope.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, NamedTuple, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Query
from sqlalchemy.orm import Session, sessionmaker
from starlette.concurrency import run_in_threadpool

from api.problems.catalogue import RETRY_AFTER_SECONDS
from jobs import queries
from jobs.access import page_sessions
from jobs.access.api_keys import Principal
from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle import events
from jobs.lifecycle.events import Event
from jobs.notify import Listener, of_job, of_owner
from jobs.states import ENDED

log = logging.getLogger(__name__)

POLL_SECONDS = 15.0
"""How long a stream waits for a notification before it reads anyway, and sends a keep-alive to its client."""

AUTHORIZATION_SECONDS = 15.0
"""How often the authorization of an open stream is re-checked."""

_MIN_READ_SECONDS = 0.5
"""The least time between two reads of a live list, however many notifications come."""

_PAUSES = 4.0
"""How many times as long as a read for a stream no other of the same owner begins."""

_MAX_PAUSE_SECONDS = 1.0

# Without these, a proxy may cache the stream or hold events back in a buffer.
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEPALIVE = b": keep-alive\n\n"

T = TypeVar("T")
Batch = tuple[Event, ...]


class ReadResult(NamedTuple):
    """The result of one read of the tables."""

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


class _Turns:
    """Whose turn it is among the streams of one owner."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.free_at = 0.0


class Streams:
    """The event streams of this process."""

    def __init__(self, listener: Listener, sessions: sessionmaker[Session]) -> None:
        self.listener = listener
        self._sessions = sessions
        self._turns: dict[str, _Turns] = {}

    async def read_in_turn(self, owner: str, read: Callable[[], T]) -> T:
        """Return what `read` returns, in a thread. The streams of an owner read one after the other.

        One event is read by each stream that is open, and no rate limit counts that. So an owner's reads
        together take a fifth of the time of one thread, and of the process; a stream among a hundred is late.
        """
        turns = self._turns.setdefault(owner, _Turns())
        async with turns.lock:
            if not self.listener.closed:
                await asyncio.sleep(turns.free_at - time.monotonic())
            began = time.monotonic()
            try:
                return await run_in_threadpool(read)
            finally:
                now = time.monotonic()
                turns.free_at = now + min(_MAX_PAUSE_SECONDS, _PAUSES * (now - began))

    async def follow(self, job_id: UUID, after: int, principal: Principal) -> AsyncIterator[Batch]:
        """Yield the job's events with an id greater than `after`. An empty batch is a keep-alive."""
        authorization = _Authorization(self._sessions, principal)
        async with self.listener.subscribe(of_job(job_id)) as subscription:
            while not self.listener.closed:
                try:
                    batch, last_event, ended = await self.read_in_turn(
                        principal.owner, partial(self._read, job_id, after)
                    )
                    if not await authorization.is_valid():  # behind the wait for a turn, which may be long
                        return
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
                    found = await self.read_in_turn(principal.owner, read)
                    if not await authorization.is_valid():
                        return
                    yield found
                except DATABASE_UNAVAILABLE as error:
                    log.warning("a live list waits for the database: %s", type(error).__name__)
                await asyncio.sleep(_MIN_READ_SECONDS)
                await subscription.wait(POLL_SECONDS)

    def read(self, owner: str, job_id: UUID, after: int) -> ReadResult | None:
        """Return the events with an id greater than `after` so far. None: the owner has no such job."""
        with self._sessions.begin() as session:
            job = queries.get(session, owner, job_id)
        return None if job is None else self._read(job_id, after)

    def _read(self, job_id: UUID, after: int) -> ReadResult:
        with self._sessions.begin() as session:
            # Events first: if the job has ended by then, its last event is in the batch or still to be read.
            batch = tuple(events.events_since(session, job_id, after))
            status = queries.status_of(session, job_id)
        if status is None:
            return ReadResult(batch, 0, ended=True)
        return ReadResult(batch, status.last_event, status.state in ENDED)


_MAX_EVENT_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """The last event that the client has seen."""

    after: Annotated[
        int, Query(ge=0, le=_MAX_EVENT_ID, description="Return only events with an id greater than this.")
    ] = 0
    last_event_id: Annotated[
        int | None,
        Header(
            ge=0, le=_MAX_EVENT_ID, description="The last id of an interrupted stream; overrides `after`."
        ),
    ] = None

    @property
    def event_id(self) -> int:
        """The id after which events are sent."""
        return self.after if self.last_event_id is None else self.last_event_id


ResumeAfter = Annotated[ResumePoint, Depends()]
