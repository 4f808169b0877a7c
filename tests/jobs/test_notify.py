"""What notifies which channel, once for each transaction and when it has committed."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from jobs.database import Database, libpq_url
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import LogMessage
from jobs.notify import EVENTS, QUEUE, notify_on_commit, of_job, of_owner
from jobs.queue import backlog, conditions
from jobs.spec.job import JobSpec
from tests.claims import claimed
from tests.conftest import Submit
from tests.jobs.queue.fleet import register


class Listener:
    """A connection that listens to both channels."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(libpq_url(url), autocommit=True)
        for channel in (QUEUE, EVENTS):
            self.connection.execute(f"LISTEN {channel}".encode())

    def heard(self) -> list[tuple[str, str]]:
        """What has come until now. The server sends it before it answers this query."""
        self.connection.execute("SELECT 1")
        return sorted((each.channel, each.payload) for each in self.connection.notifies(timeout=0))


@pytest.fixture
def listener(database_url: str) -> Iterator[Listener]:
    found = Listener(database_url)
    yield found
    found.connection.close()


def test_a_transaction_notifies_once_when_it_commits(
    database: Database, submit: Submit, listener: Listener
) -> None:
    job_id = submit()
    listener.heard()
    with database.begin() as session:
        claim = claimed(session, job_id)
        for number in range(3):
            assert lifecycle.record(session, claim, LogMessage(message=str(number)))
        assert listener.heard() == [], "it has not happened yet"
    assert listener.heard() == [(EVENTS, of_job(job_id)), (EVENTS, of_owner("ada"))]


def test_what_is_rolled_back_notifies_nothing(database: Database, listener: Listener) -> None:
    with database() as session:
        notify_on_commit(session, QUEUE)
        session.execute(text("SELECT 1"))
        session.rollback()
        session.commit()
    with database.begin() as session, session.begin_nested():
        notify_on_commit(session, EVENTS, "of a savepoint")
    assert listener.heard() == [(EVENTS, "of a savepoint")]


def acts(session: Session, spec: JobSpec) -> Iterator[None]:
    """Do everything after which a job may be claimed, or sized by the scheduler."""
    job_id = owner_moves.create(session, "ada", spec).id
    yield
    backlog.record_needs(session, job_id, None)
    yield
    for end in (
        lambda claim: lifecycle.hand_back(session, claim, ""),
        lambda claim: lifecycle.succeed(session, claim, None, []),
    ):
        claim = claimed(session, job_id)
        session.info.clear()
        assert end(claim)
        yield
    register(session, "w1")
    yield
    conditions.release(session, "w1")
    yield
    conditions.uncordon(session, "w1")
    yield
    conditions.resume(session, "cpu")
    yield


def test_the_queue_is_notified_of_whatever_lets_a_job_be_claimed(database: Database, spec: JobSpec) -> None:
    with database() as session:
        for number, _ in enumerate(acts(session, spec)):
            assert (QUEUE, "") in session.info.pop("notifications", {}), number
