"""A listener wakes what has subscribed to a payload, and nothing else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from jobs import notify as of_streams
from jobs.database import Database, libpq_url
from jobs.lifecycle import owner_moves
from jobs.notify import EVENTS, Listener, Subscription, of_job, of_owner
from jobs.spec.job import JobSpec

PATIENCE = 20.0
END_LISTENER = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'listener'"
)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_streams, "_RECONNECT_SECONDS", 0.02)


def cancel(database: Database, spec: JobSpec, owner: str = "ada") -> UUID:
    """Make a job, and cancel it."""
    with database.begin() as session:
        job_id = owner_moves.create(session, owner, spec).id
        assert owner_moves.cancel(session, owner, job_id)
    return job_id


def run(database_url: str, test: Callable[[Listener], Awaitable[None]]) -> None:
    """Run a test with a listener that is connected."""

    async def main() -> None:
        listener = Listener(libpq_url(database_url), EVENTS, "listener")
        async with listener.listening():
            while not listener.connected:
                await asyncio.sleep(0.01)
            await test(listener)

    asyncio.run(asyncio.wait_for(main(), 60))


def is_woken(subscription: Subscription) -> Awaitable[bool]:
    return subscription.wait(0.05)


def test_a_stream_wakes_for_what_it_shows_and_for_nothing_else(
    database: Database, database_url: str, spec: JobSpec
) -> None:
    async def test(listener: Listener) -> None:
        async with listener.subscribe(of_owner("ada")) as before:
            job_id = cancel(database, spec)
            assert await before.wait(PATIENCE)
        async with (
            listener.subscribe(of_owner("ada")) as list_of_ada,
            listener.subscribe(of_owner("eve")) as list_of_eve,
            listener.subscribe(of_job(job_id)) as the_job,
        ):
            cancel(database, spec)
            assert await list_of_ada.wait(PATIENCE)
            assert not await is_woken(list_of_eve)
            assert not await is_woken(the_job)
            with database.begin() as session:
                owner_moves.retry(session, "ada", job_id)
            assert await the_job.wait(PATIENCE)
            assert await list_of_ada.wait(PATIENCE)
            cancel(database, spec, "eve")
            assert await list_of_eve.wait(PATIENCE)
            assert not await is_woken(list_of_ada)
            listener.close()
            assert await list_of_ada.wait(PATIENCE)

    run(database_url, test)


def test_after_a_lost_connection_it_listens_again_and_wakes_all(
    database: Database, database_url: str, spec: JobSpec
) -> None:
    async def test(listener: Listener) -> None:
        async with listener.subscribe(of_owner("ada")) as subscription:
            with database.begin() as session:
                session.execute(END_LISTENER)
            assert await subscription.wait(PATIENCE)
            await is_woken(subscription)
            cancel(database, spec)
            assert await subscription.wait(PATIENCE)

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
        async with Listener("postgresql://x:y@127.0.0.1:1/z", EVENTS).listening():
            while tried <= times:
                await asyncio.sleep(0.01)

    monkeypatch.setattr(of_streams, "_LOG_AGAIN_SECONDS", again_after)
    asyncio.run(asyncio.wait_for(until_tried(4), 60))
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert set(said) == {"the connection that listens for events was lost: OperationalError"}
    assert len(said) in warnings


def test_a_bug_is_logged_with_its_traceback_also_after_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = 0

    async def connect(*_: Any, **__: Any) -> psycopg.AsyncConnection[Any]:
        nonlocal tried
        tried += 1
        raise psycopg.OperationalError if tried % 2 else AttributeError("for the test")

    async def until_tried(times: int) -> None:
        async with Listener("postgresql://x:y@127.0.0.1:1/z", EVENTS).listening():
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
