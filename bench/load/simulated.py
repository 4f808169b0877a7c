"""Workers that are tasks of this process: they read and write what a worker does, and compute nothing.

Each keeps the two connections of a worker that runs a job. What is sent every second or five are the
statements of the service's own functions, recorded once and sent again with other values: SQLAlchemy would
take a processor for itself. What is rare, the beginning and the end of a job, are those functions.
"""

import asyncio
import base64
import concurrent.futures
import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
import redis.asyncio
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from bench.load.service import SPEC
from jobs.database import libpq_url, sqlalchemy_url
from jobs.fleet import dispatch_queue, held_jobs
from jobs.hints import hints
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import StepFinished
from jobs.lifecycle.lifecycle import Claim
from jobs.placement.classes import UNPLACED
from pruning.recipe import Stage

_T = TypeVar("_T")

_BEAT_SECONDS, _WATCH_SECONDS, _EVENT_SECONDS = 5.0, 1.0, 5.0
_LEASE_SECONDS = 30.0
_REPORT = {"perplexity": {"dense": 1.0, "pruned": 1.0}, "sparsity": {"overall": 0.5}, "zero_shot": []}


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the service, with the values by which it was recorded."""

    text: str
    parameters: Mapping[str, Any]

    def with_values(self, values: Mapping[Any, Any]) -> dict[str, Any]:
        """Return the parameters with other values for those that are among the keys."""
        return {
            name: values.get(value, value) if isinstance(value, str | UUID) else value
            for name, value in self.parameters.items()
        }


def recorded(database: sessionmaker[Session], call: Callable[[Session], object]) -> Statement:
    """Return the only statement that a function sends. What it writes is rolled back."""
    with database() as session:
        (only,) = _sent(session, call)
        session.rollback()
    return only


def _sent(session: Session, call: Callable[[Session], object]) -> list[Statement]:
    found: list[Statement] = []

    def record(
        connection: Connection, cursor: object, statement: str, parameters: dict[str, Any], *rest: object
    ) -> None:
        found.append(Statement(statement, parameters))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", record)
    call(session)
    event.remove(connection, "before_cursor_execute", record)
    return found


class RecordedEvent:
    """What a worker sends to tell a step of its job: the statements of one transaction, recorded once."""

    def __init__(self, database: sessionmaker[Session]) -> None:
        """What is written to record it is rolled back."""
        with database() as session:
            job_id = owner_moves.create(session, "recorded", SPEC).id
            claim = lifecycle.claim(session, job_id, "the-worker", _LEASE_SECONDS)
            assert claim is not None
            self._claim = claim
            session.dispatch.before_commit(session)  # what this tells is not to be recorded

            def tell(session: Session) -> None:
                assert lifecycle.record(session, claim, _step(claim.attempt, 1))
                session.dispatch.before_commit(session)

            self._update, self._insert, self._hints = _sent(session, tell)
            session.rollback()

    async def send(self, connection: psycopg.AsyncConnection[Any], claim: Claim) -> bool:
        """Tell a step of a job. False: the worker has lost it."""
        own = {self._claim.job_id: claim.job_id, self._claim.lease_token: claim.lease_token}
        async with connection.transaction():
            told = await connection.execute(self._update.text, self._update.with_values(own))
            row = await told.fetchone()
            if row is None:
                return False
            insert = self._insert.with_values(own) | {"id": row[0]}
            await connection.execute(self._insert.text, insert)
            subjects = [hints.of_job(claim.job_id), hints.of_owner(claim.owner)]
            numbers = [*map(hints.number_of, subjects)]
            channels = [*map(hints.channel, numbers)]
            told_of = {"numbers": numbers, "channels": channels, "subjects": subjects}
            await connection.execute(self._hints.text, {**self._hints.parameters, **told_of})
        return True


async def _in_a_thread(call: Callable[[], object]) -> None:
    """Call a function in a thread that keeps this process from ending no longer than its caller does."""
    ended: concurrent.futures.Future[None] = concurrent.futures.Future()

    def run() -> None:
        try:
            call()
        except BaseException as error:  # for who waits, if anybody still does
            ended.set_exception(error)
        else:
            ended.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    await asyncio.wrap_future(ended)


def _step(attempt: int, step: int) -> StepFinished:
    return StepFinished(attempt=attempt, stage=Stage.PRUNE, step=step, steps=100)


@dataclass
class Seen:
    """What the workers have seen."""

    errors: list[str] = field(default_factory=list)
    claims: int = 0
    lost: int = 0
    statements: int = 0
    slowest: list[float] = field(default_factory=list)
    """The seconds of each statement that is sent every second or five."""
    late: list[float] = field(default_factory=list)
    """By how many seconds each of them was late."""
    events: list[float] = field(default_factory=list)
    """The seconds from the moment when a worker begins to write an event to that when a listener hears it."""

    def clear(self) -> None:
        """Forget what was seen while the workers began."""
        self.claims = self.lost = self.statements = 0
        for each in (self.slowest, self.late, self.events):
            each.clear()


class Fleet:
    """Simulated workers, of which each is idle or runs a job for a while."""

    def __init__(
        self, database: sessionmaker[Session], database_url: str, broker_url: str, *, job_seconds: float
    ) -> None:
        """`database_url`: the pooler's."""
        self._url = libpq_url(database_url)
        self._job_seconds = job_seconds
        self._broker = redis.asyncio.Redis.from_url(broker_url, max_connections=100_000)
        self._engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(database_url), pool_size=20, max_overflow=10_000, pool_timeout=60
        )
        self._claim = Claim(uuid4(), 987_654, uuid4(), "", {})
        self._presence = recorded(
            database, lambda session: dispatch_queue.worker_seen(session, "the-worker", UNPLACED)
        )
        self._watch = recorded(database, lambda session: held_jobs.held_by(session, "the-worker"))
        self._beat = recorded(
            database, lambda session: lifecycle.extend_lease(session, self._claim, _LEASE_SECONDS)
        )
        self._event = RecordedEvent(database)
        self.seen = Seen()
        self._told: dict[str, float] = {}
        self._stopped = asyncio.Event()

    async def run(self, workers: int, listen_url: str, while_running: Callable[[], object]) -> None:
        """Let so many workers work until the function, in a thread of its own, returns.

        `listen_url`: PostgreSQL's own address, as the API's `DATABASE_LISTEN_URL`.
        """
        tasks = [asyncio.create_task(self._worker(number)) for number in range(workers)]
        tasks.append(asyncio.create_task(self._listen(libpq_url(listen_url))))
        await _in_a_thread(while_running)
        self._stopped.set()
        await asyncio.gather(*tasks)
        await self._broker.aclose()
        await self._engine.dispose()

    async def _worker(self, number: int) -> None:
        name = f"simulated-{number}-{uuid4().hex[:6]}"
        await asyncio.sleep(random.uniform(0, _BEAT_SECONDS))  # noqa: S311 - spreads them, no secret
        try:
            async with (
                await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection,
                asyncio.TaskGroup() as signs,
            ):
                own = {"the-worker": name}
                signs.create_task(self._every(_BEAT_SECONDS, connection, self._presence, own))
                signs.create_task(self._every(_WATCH_SECONDS, connection, self._watch, own))
                while not self._stopped.is_set():
                    await self._next_job(name)
        except* Exception as group:
            self.seen.errors += [f"{type(error).__name__}: {error}" for error in group.exceptions]

    async def _next_job(self, name: str) -> None:
        message = await self._broker.brpop([UNPLACED], timeout=1)
        if message is None:
            return
        job_id = UUID(json.loads(base64.b64decode(json.loads(message[1])["body"]))[0][0])
        claim = await self._written(lambda session: lifecycle.claim(session, job_id, name, _LEASE_SECONDS))
        if claim is None:
            return
        self.seen.claims += 1
        async with (
            await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection,
            asyncio.TaskGroup() as beside,
        ):
            done, alone = asyncio.Event(), asyncio.Lock()
            values = {self._claim.job_id: claim.job_id, self._claim.lease_token: claim.lease_token}
            beats = self._every(_BEAT_SECONDS, connection, self._beat, values, until=done, alone=alone)
            beside.create_task(beats)
            await self._compute(claim, connection, alone)
            done.set()
        if not await self._written(lambda session: lifecycle.succeed(session, claim, _REPORT, [])):
            self.seen.lost += 1

    async def _compute(
        self, claim: Claim, connection: psycopg.AsyncConnection[Any], alone: asyncio.Lock
    ) -> None:
        """Tell a step every few seconds, until the job's time has come."""
        ends_at = time.monotonic() + self._job_seconds * random.uniform(0, 2)  # noqa: S311 - as above
        while (left := ends_at - time.monotonic()) > 0 and not self._stopped.is_set():
            await asyncio.sleep(min(left, _EVENT_SECONDS))
            self._told[hints.of_job(claim.job_id)] = time.monotonic()
            async with alone:
                await self._event.send(connection, claim)

    async def _listen(self, url: str) -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            # On every channel: as an API process whose streams show everything.
            for number in sorted({hints.number_of(str(each)) for each in range(20_000)}):
                await connection.execute(f"LISTEN {hints.channel(number)}")
                await connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", [hints.LOCK, number])
            while not self._stopped.is_set():
                async for notification in connection.notifies(timeout=0.5):
                    began = self._told.pop(notification.payload, None)
                    if began is not None:
                        self.seen.events.append(time.monotonic() - began)

    async def _every(
        self,
        seconds: float,
        connection: psycopg.AsyncConnection[Any],
        statement: Statement,
        values: Mapping[Any, Any],
        *,
        until: asyncio.Event | None = None,
        alone: asyncio.Lock | None = None,
    ) -> None:
        """Send a statement every so many seconds. `alone`: whoever uses the connection holds it."""
        parameters = statement.with_values(values)
        stopped = until or self._stopped
        due = time.monotonic()
        while not stopped.is_set():
            began = time.monotonic()
            self.seen.late.append(began - due)
            async with alone or contextlib.nullcontext():
                await connection.execute(statement.text, parameters)
            self.seen.slowest.append(time.monotonic() - began)
            self.seen.statements += 1
            due = max(due + seconds, time.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(due - time.monotonic()):  # `wait_for` would make a task
                    await stopped.wait()

    async def _written(self, write: Callable[[Session], _T]) -> _T:
        async with AsyncSession(self._engine) as session, session.begin():
            return await session.run_sync(write)
