"""Following a job: its events in batches, as they come, until its end has been delivered.

No database session stays open while a stream waits. Streams that stand at the same event share one read. Who
has opened a stream is looked at again from time to time: it ends with the key, or with the page's session.
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
from api.streams.listener import EventListener
from jobs.access import page_sessions
from jobs.access.api_keys import Principal
from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle import event_log
from jobs.lifecycle.events import Event
from jobs.queries import queries
from jobs.states import ENDED

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 15.0
"""How long a stream waits for a ring before it looks by itself, and tells its client that it is alive."""

ADMISSION_SECONDS = 15.0
"""How long a stream goes on before it is asked again whether its client may see it."""

_BREATH_SECONDS = 0.5
"""A list of many jobs is read no more often than this, however often they ring."""

# A proxy that buffers would hold events back.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEPALIVE = b": nothing new\n\n"

T = TypeVar("T")
Batch = tuple[Event, ...]


class Reading(NamedTuple):
    """What a look at the tables has found."""

    batch: Batch
    last_event: int
    ended: bool


class _Admission:
    """That of somebody who has opened a stream, and who was let in then."""

    def __init__(self, sessions: sessionmaker[Session], who: Principal) -> None:
        self._sessions = sessions
        self._who = who
        self._looked_at = time.monotonic()

    async def holds(self) -> bool:
        """Whether they still are, as far as was seen lately."""
        if time.monotonic() - self._looked_at < ADMISSION_SECONDS:
            return True
        self._looked_at = time.monotonic()
        return await run_in_threadpool(self._look)

    def _look(self) -> bool:
        with self._sessions.begin() as session:
            return page_sessions.is_let_in(session, self._who)


class Streams:
    """The event streams of this process."""

    def __init__(self, doorbell: EventListener, sessions: sessionmaker[Session]) -> None:
        """Read with `sessions` when `doorbell` rings."""
        self.doorbell = doorbell
        self._sessions = sessions
        self._readings: dict[tuple[UUID, int, int], asyncio.Task[Reading]] = {}

    async def follow(self, job_id: UUID, after: int, who: Principal) -> AsyncIterator[Batch]:
        """The job's events past `after`, for `who`. An empty batch: nothing happened for a while."""
        admission = _Admission(self._sessions, who)
        with self.doorbell.bell(job_id) as bell:
            while not self.doorbell.closed:
                try:
                    if not await admission.holds():
                        return
                    batch, last_event, ended = await self._read(job_id, after, bell.last_ring)
                except DATABASE_UNAVAILABLE as error:
                    log.warning("an event stream waits for the database: %s", type(error).__name__)
                    await bell.wait(RETRY_AFTER_SECONDS)
                    continue
                if batch:
                    after = batch[-1].id
                    yield batch
                if after < last_event:
                    continue
                if ended:
                    return
                if not await bell.wait(PATIENCE_SECONDS):
                    yield ()

    async def watch(self, read: Callable[[], T], who: Principal) -> AsyncIterator[T]:
        """What `read` gives now, and again whenever any job has moved on, or when nothing has for a while."""
        admission = _Admission(self._sessions, who)
        with self.doorbell.bell(None) as bell:
            while not self.doorbell.closed:
                try:
                    if not await admission.holds():
                        return
                    yield await run_in_threadpool(read)
                except DATABASE_UNAVAILABLE as error:
                    log.warning("a live list waits for the database: %s", type(error).__name__)
                await asyncio.sleep(_BREATH_SECONDS)
                await bell.wait(PATIENCE_SECONDS)

    async def _read(self, job_id: UUID, after: int, ring: int) -> Reading:
        """What is new, read once for all streams that stand at `after` and were woken by the same ring.

        A stream never joins a reading that may have begun before its own ring: that one could miss the event
        which the ring stands for.
        """
        key = (job_id, after, ring)
        reading = self._readings.get(key)
        if reading is None:
            reading = asyncio.create_task(run_in_threadpool(self._read_now, job_id, after))
            reading.add_done_callback(lambda _: self._readings.pop(key))
            self._readings[key] = reading
        return await asyncio.shield(reading)

    def look(self, owner: str, job_id: UUID, after: int) -> Reading | None:
        """What has happened past `after` so far. None: the owner has no such job."""
        with self._sessions.begin() as session:
            job = queries.get(session, owner, job_id)
        return None if job is None else self._read_now(job_id, after)

    def _read_now(self, job_id: UUID, after: int) -> Reading:
        with self._sessions.begin() as session:
            # Events before the job: an end that the job shows is then either among them or still to be read.
            batch = tuple(event_log.since(session, job_id, after))
            standing = queries.standing(session, job_id)
        if standing is None:
            return Reading(batch, 0, ended=True)
        state, last_event = standing
        return Reading(batch, last_event, state in ENDED)
