"""Who listens is told of new events, once for each transaction; who does not costs no notification."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from jobs.database import libpq_url
from jobs.fleet import dispatch_queue, machines, quarantine, steering
from jobs.hints import hints
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError, LogMessage
from jobs.lifecycle.placing import sized
from jobs.placement.classes import CPU, Capacity
from jobs.spec.job import JobSpec
from jobs.tables import Job

Database = sessionmaker[Session]
Submit = Callable[[], UUID]

LOCK = "SELECT pg_advisory_lock_shared(%s, %s)"


class Listener:
    """A connection that listens on the channels of some subjects; `locks`: as it must, to be told."""

    def __init__(self, url: str, subjects: list[str], *, locks: bool = True) -> None:
        self.connection = psycopg.connect(libpq_url(url), autocommit=True)
        for number in map(hints.number_of, subjects):
            self.connection.execute(f"LISTEN {hints.channel(number)}".encode())
            if locks:
                self.connection.execute(LOCK, (hints.LOCK, number))

    def told(self) -> list[str]:
        """What has come until now. The server sends it before it answers this query."""
        self.connection.execute("SELECT 1")
        return [each.payload for each in self.connection.notifies(timeout=0)]


@contextmanager
def listening(url: str, *subjects: str, locks: bool = True) -> Iterator[Listener]:
    listener = Listener(url, [*subjects], locks=locks)
    yield listener
    listener.connection.close()


def test_a_transaction_tells_each_subject_once(database: Database, submit: Submit, database_url: str) -> None:
    job_id = submit()
    with listening(database_url, hints.of_job(job_id), hints.of_owner("ada")) as listener:
        with database.begin() as session:
            claim = lifecycle.claim(session, job_id, "w1", 30)
            assert claim is not None
            for number in range(3):
                assert lifecycle.record(session, claim, LogMessage(message=str(number)))
            assert listener.told() == [], "it has not happened yet"
        assert sorted(listener.told()) == [f"job {job_id}", "owner ada"]


def test_who_shows_something_else_is_not_told(
    database: Database, submit: Submit, spec: JobSpec, database_url: str
) -> None:
    others = [submit() for _ in range(3)]
    with listening(database_url, hints.of_job(others[0]), hints.of_owner("eve")) as listener:
        for job_id in others[1:]:
            with database.begin() as session:
                owner_moves.cancel(session, "ada", job_id)
        assert [it for it in listener.told() if it in (hints.of_job(others[0]), hints.of_owner("eve"))] == []
        with database.begin() as session:
            owner_moves.create(session, "eve", spec)
        assert hints.of_owner("eve") in listener.told()


def test_where_nobody_listens_nothing_is_sent(database: Database, submit: Submit, database_url: str) -> None:
    job_id = submit()
    with listening(database_url, hints.of_job(job_id), hints.of_owner("ada"), locks=False) as listener:
        with database.begin() as session:
            assert owner_moves.cancel(session, "ada", job_id)
        assert listener.told() == []


def test_what_is_rolled_back_is_not_told(database: Database, submit: Submit, database_url: str) -> None:
    job_id, kept = submit(), submit()
    with listening(database_url, hints.of_job(job_id), hints.of_job(kept)) as listener:
        with database() as session:
            owner_moves.cancel(session, "ada", job_id)
            session.rollback()
            owner_moves.cancel(session, "ada", kept)
            with session.begin_nested():
                pass
            assert listener.told() == []
            session.commit()
        assert listener.told() == [f"job {kept}"]


def test_who_begins_to_listen_waits_for_a_writer_that_did_not_see_it(
    database: Database, submit: Submit, database_url: str
) -> None:
    """So an event is either told of, or there once the listener reads."""
    job_id = submit()
    subject = hints.of_job(job_id)
    begun = threading.Event()

    def listen() -> None:
        with listening(database_url, subject):
            begun.set()

    thread = threading.Thread(target=listen)
    with database() as session:
        owner_moves.cancel(session, "ada", job_id)
        session.dispatch.before_commit(session)
        thread.start()
        assert not begun.wait(0.2)
        session.commit()
    thread.join(timeout=120)
    assert begun.is_set()


def test_dispatchers_are_told_what_lets_a_job_begin(
    database: Database, submit: Submit, database_url: str
) -> None:
    job_id = submit()

    def told_of(do: Callable[[Session], object]) -> list[str]:
        with database.begin() as session:
            assert do(session) is not False
        return sorted(listener.told())

    def claim(session: Session) -> None:
        taken = lifecycle.claim(session, job_id, "w1", 30)
        assert taken is not None
        claims.append(taken)

    claims: list[lifecycle.Claim] = []
    with listening(database_url, hints.DISPATCH, hints.SUBMITTED, hints.WORKERS) as listener:
        submit()
        assert listener.told() == [hints.SUBMITTED]
        has = Capacity(host_bytes=1, scratch_bytes=1)
        assert told_of(lambda session: machines.declared(session, "w1", [CPU], has)) == [hints.WORKERS]
        assert told_of(lambda session: sized(session, job_id, None)) == [hints.DISPATCH]
        assert told_of(lambda session: sized(session, job_id, None)) == [], "another dispatcher has told"
        with database.begin() as session:
            session.execute(update(Job).where(Job.id == job_id).values(checks_pending=True))
        assert told_of(lambda session: dispatch_queue.checked(session, job_id)) == [hints.DISPATCH]
        assert told_of(lambda session: dispatch_queue.checked(session, job_id)) == []
        assert told_of(claim) == [], "one worker less, and one job"
        line = LogMessage(message="it runs")
        assert told_of(lambda session: lifecycle.record(session, claims[-1], line)) == []
        assert told_of(lambda session: lifecycle.hand_back(session, claims[-1], "ends")) == [hints.DISPATCH]
        assert told_of(claim) == []
        error = JobError(type="wrong", message="wrong")
        assert told_of(lambda session: lifecycle.fail(session, claims[-1], error)) == [hints.DISPATCH]
        both = [hints.DISPATCH, hints.SUBMITTED]
        assert told_of(lambda session: owner_moves.retry(session, "ada", job_id)) == both
        assert told_of(lambda session: owner_moves.cancel(session, "ada", job_id)) == []
        assert told_of(lambda session: steering.cordon(session, "w1")) == []
        assert told_of(lambda session: steering.uncordon(session, "w1")) == [hints.DISPATCH]
        assert told_of(lambda session: quarantine.quarantine(session, "w1", CPU, "broken")) == []
        assert told_of(lambda session: quarantine.release(session, "w1")) == [hints.DISPATCH]
        assert told_of(lambda session: steering.pause(session, CPU, "ada")) == []
        assert told_of(lambda session: steering.resume(session, CPU)) == [hints.DISPATCH]


def test_subjects_are_spread_over_a_bounded_number_of_channels() -> None:
    numbers = [hints.number_of(hints.of_owner(f"owner-{number}")) for number in range(20_000)]
    assert (min(numbers), max(numbers)) == (0, 1023)
    assert max(numbers.count(number) for number in set(numbers)) < 60
