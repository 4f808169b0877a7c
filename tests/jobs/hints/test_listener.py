"""A listener hears of what its subscribers ask for, and of nothing else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from jobs.database import libpq_url
from jobs.hints import hints
from jobs.hints import listener as of_streams
from jobs.hints.listener import EventListener, Subscription
from jobs.lifecycle import owner_moves
from jobs.spec.job import JobSpec

Database = sessionmaker[Session]
PATIENCE = 20.0
LOCKS = text(
    "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = :lock"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)

END_LISTENER = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'listener'"
)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_streams, "_RECONNECT_SECONDS", 0.02)


def listened_for(database: Database) -> list[int]:
    """The numbers of the channels on which somebody listens."""
    with database.begin() as session:
        return sorted(session.scalars(LOCKS, {"lock": hints.LOCK}))


def cancel(database: Database, spec: JobSpec, owner: str = "ada") -> UUID:
    """Make a job, and cancel it."""
    with database.begin() as session:
        job_id = owner_moves.create(session, owner, spec).id
        assert owner_moves.cancel(session, owner, job_id)
    return job_id


def run(database_url: str, test: Callable[[EventListener], Awaitable[None]]) -> None:
    """Run a test with a listener that is connected."""

    async def main() -> None:
        listener = EventListener(libpq_url(database_url), "listener")
        async with listener.listening():
            while not listener.connected:
                await asyncio.sleep(0.01)
            await test(listener)

    asyncio.run(asyncio.wait_for(main(), 60))


def is_told(subscription: Subscription) -> Awaitable[bool]:
    return subscription.wait(0.05)


def test_a_stream_wakes_for_what_it_shows_and_for_nothing_else(
    database: Database, database_url: str, spec: JobSpec
) -> None:
    async def test(listener: EventListener) -> None:
        job_id = cancel(database, spec)
        async with (
            listener.subscribe(hints.of_owner("ada")) as list_of_ada,
            listener.subscribe(hints.of_owner("eve")) as list_of_eve,
            listener.subscribe(hints.of_job(job_id)) as of_job,
            listener.subscribe(None) as of_workers,
        ):
            cancel(database, spec)
            assert await list_of_ada.wait(PATIENCE)
            assert not await is_told(list_of_eve)
            assert not await is_told(of_job)
            with database.begin() as session:
                owner_moves.retry(session, "ada", job_id)
            assert await of_job.wait(PATIENCE)
            assert await list_of_ada.wait(PATIENCE)
            cancel(database, spec, "eve")
            assert await list_of_eve.wait(PATIENCE)
            assert not await is_told(list_of_ada)
            assert not await is_told(of_workers)
            listener.close()
            assert await of_workers.wait(PATIENCE)

    run(database_url, test)


def test_it_listens_as_long_as_a_stream_is_open(database: Database, database_url: str) -> None:
    job = hints.of_job(uuid4())
    owner = hints.of_owner("ada")
    both = sorted(map(hints.number_of, (job, owner)))

    async def until(expected: list[int]) -> None:
        while listened_for(database) != expected:
            await asyncio.sleep(0.01)

    async def test(listener: EventListener) -> None:
        assert listened_for(database) == []
        async with listener.subscribe(owner), listener.subscribe(job):
            assert listened_for(database) == both
            async with listener.subscribe(job):
                assert listened_for(database) == both
            assert listened_for(database) == both
        await until([])
        async with listener.subscribe(job):
            assert listened_for(database) == [hints.number_of(job)]

    run(database_url, test)


def test_after_a_lost_connection_it_listens_again_and_wakes_all(
    database: Database, database_url: str, spec: JobSpec
) -> None:
    async def test(listener: EventListener) -> None:
        async with listener.subscribe(hints.of_owner("ada")) as subscription:
            with database.begin() as session:
                session.execute(END_LISTENER)
            assert await subscription.wait(PATIENCE)
            assert listened_for(database) == [hints.number_of(hints.of_owner("ada"))]
            await is_told(subscription)
            cancel(database, spec)
            assert await subscription.wait(PATIENCE)

    run(database_url, test)


def test_a_writer_that_hangs_before_its_commit_holds_no_other_stream_up(
    database: Database, database_url: str, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_streams, "_LISTEN_SECONDS", 0.1)
    monkeypatch.setattr(of_streams, "_UNHEARD_SECONDS", 3600.0)

    async def test(listener: EventListener) -> None:
        job_id = cancel(database, spec)
        hanging = database()
        owner_moves.retry(hanging, "ada", job_id)
        hanging.dispatch.before_commit(hanging)
        async with (
            listener.subscribe(hints.of_job(job_id)) as of_job,
            listener.subscribe(hints.of_owner("eve")) as of_eve,
        ):
            cancel(database, spec, "eve")
            assert await of_eve.wait(PATIENCE)
            assert not await is_told(of_job)
            await asyncio.to_thread(hanging.commit)
            assert await of_job.wait(PATIENCE), "the writer did not tell of what it did"
            assert hints.number_of(hints.of_job(job_id)) in listened_for(database)
            assert not await is_told(of_job)
            with database.begin() as session:
                owner_moves.cancel(session, "ada", job_id)
            assert await of_job.wait(PATIENCE)
        hanging.close()

    run(database_url, test)


def test_while_writers_have_the_lock_streams_read_at_short_intervals(
    database: Database, database_url: str, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_streams, "_LISTEN_SECONDS", 0.1)
    monkeypatch.setattr(of_streams, "_UNHEARD_SECONDS", 0.2)
    subject = hints.of_owner("ada")

    def holding_the_lock() -> Session:
        writer = database()
        hints.give(writer, subject)
        writer.dispatch.before_commit(writer)
        return writer

    async def test(listener: EventListener) -> None:
        writer = holding_the_lock()
        async with (
            listener.subscribe(subject) as of_ada,
            listener.subscribe(hints.of_owner("eve")) as of_eve,
        ):
            for _ in range(3):
                assert await of_ada.wait(PATIENCE)
            assert not await is_told(of_eve)
            await asyncio.to_thread(writer.commit)
        writer.close()

    run(database_url, test)


@pytest.mark.parametrize(("again_after", "warnings"), [(60.0, [1]), (0.0, [4, 5])])
def test_a_server_that_takes_no_listener_is_warned_of_once_and_not_each_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, again_after: float, warnings: list[int]
) -> None:
    async def until_tried(times: int) -> None:
        tried, connect = 0, psycopg.AsyncConnection.connect

        async def counted(*arguments: Any, **options: Any) -> psycopg.AsyncConnection[Any]:
            nonlocal tried
            tried += 1
            return await connect(*arguments, **options)

        monkeypatch.setattr(psycopg.AsyncConnection, "connect", counted)
        async with EventListener("postgresql://x:y@127.0.0.1:1/z").listening():
            while tried <= times:
                await asyncio.sleep(0.01)

    monkeypatch.setattr(of_streams, "_SAY_AGAIN_SECONDS", again_after)
    asyncio.run(asyncio.wait_for(until_tried(4), 60))
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert set(said) == {"the connection that listens for events was lost: OperationalError"}
    assert len(said) in warnings


def test_a_fault_of_ours_is_an_error_with_its_traceback_also_right_after_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = 0

    async def connect(*_: Any, **__: Any) -> psycopg.AsyncConnection[Any]:
        nonlocal tried
        tried += 1
        raise psycopg.OperationalError if tried % 2 else AttributeError("for the test")

    async def until_tried(times: int) -> None:
        async with EventListener("postgresql://x:y@127.0.0.1:1/z").listening():
            while tried <= times:
                await asyncio.sleep(0.01)

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", connect)
    asyncio.run(asyncio.wait_for(until_tried(6), 60))
    lost, fault = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert (lost.levelno, bool(lost.exc_info)) == (logging.WARNING, False)
    assert (fault.levelno, fault.getMessage()) == (
        logging.ERROR,
        "listening for events failed; it is tried again",
    )
    assert fault.exc_info
    assert isinstance(fault.exc_info[1], AttributeError)
