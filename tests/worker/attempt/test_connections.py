"""An attempt keeps one connection to the database, and its heartbeat waits for none that is in use."""

import time

import pytest
from sqlalchemy import text

from jobs.database import Database, connection_name, engine_from
from jobs.lifecycle.events import LogMessage
from jobs.settings import Settings
from jobs.tables import Lease
from tests.conftest import Submit
from tests.eventually import eventually
from worker.attempt.attempt import claimed
from worker.identity import Identity


def connections(database: Database) -> int:
    counted = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    with database.begin() as session:
        return session.scalars(counted).one()


def test_a_name_that_postgresql_would_cut_is_left_out() -> None:
    assert connection_name("worker", "h" * 45) == f"pruneserve-worker {'h' * 45}"
    assert connection_name("worker", "h" * 46) == "pruneserve-worker"


@pytest.mark.parametrize(("said", "name"), [("", "own"), ("?application_name=shared", "shared")])
def test_a_connection_has_the_name_that_its_url_says(database_url: str, said: str, name: str) -> None:
    settings = Settings(DATABASE_URL=f"{database_url}{said}", STORE_URL="file:///tmp")
    engine = engine_from(settings, name="own", pool_size=1)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_setting('application_name')")) == name
    engine.dispose()


def test_an_attempt_keeps_one_connection(
    database: Database, settings: Settings, submit: Submit, worker: Identity
) -> None:
    before = connections(database)
    submit()
    with claimed(settings, worker, "task") as attempt:
        assert attempt is not None
        with attempt.heartbeat:
            for number in range(20):
                attempt.record(LogMessage(attempt=1, message=str(number)))
                time.sleep(0.02)  # beats come every 0.05 s
        eventually(lambda: connections(database) == before + 1)  # one that is closed ends a moment later
        attempt.record(LogMessage(attempt=1, message="the last"))
        assert connections(database) == before + 1
        named = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
        with database.begin() as session:
            assert session.scalar(named, {"name": f"pruneserve-job {worker.name}"}) == 1
    eventually(lambda: connections(database) == before)


def test_a_beat_does_not_wait_for_the_transaction_of_the_run(
    database: Database, settings: Settings, submit: Submit, worker: Identity
) -> None:
    job_id = submit()

    def expires_at() -> object:
        with database.begin() as session:
            return session.get_one(Lease, job_id).expires_at

    with claimed(settings, worker, "task") as attempt:
        assert attempt is not None
        with attempt.heartbeat, attempt.database.begin() as session:
            session.execute(text("SELECT 1"))
            first = expires_at()
            eventually(lambda: expires_at() != first)
