# ruff: noqa: S311 - the draws are to be repeated, not to be secret
"""What is told of a queue for a second: places of new jobs against the rule in memory, and for how long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from random import Random
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue, steering, waiting
from jobs.fleet.waiting import TOLD_SECONDS, Wait, Waits, WaitsFor
from jobs.lifecycle import lifecycle, owner_moves
from jobs.spec.job import JobSpec
from jobs.tables import Job, OwnerShare
from tests.jobs.fleet.naive_turns import NaiveJob, NaiveQueue

Database = sessionmaker[Session]

COUNTED = 8


class Clock:
    """Stands still until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def fleet(database: Database) -> None:
    """A worker and a dispatcher that are alive."""
    with database.begin() as session:
        dispatch_queue.worker_seen(session, "well", "prune")
        dispatch_queue.dispatcher_seen(session, "dispatcher")


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that the body sends."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def ask(database: Database, waits: Waits, *job_ids: UUID) -> list[Wait]:
    with database.begin() as session:
        found = waits.of(session, [session.get_one(Job, job_id) for job_id in job_ids])
    return [found[job_id] for job_id in job_ids]


@pytest.mark.parametrize("seed", range(4))
def test_a_new_job_has_its_place_at_once_however_long_the_queue_was_told_before(
    database: Database, spec: JobSpec, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(waiting, "MOST_COUNTED", COUNTED)
    draw, waits = Random(seed), Waits(30, Clock())
    naive = NaiveQueue([], weights={"ada": 2.0}, caps={"mia": 1}, may_cross={"eve"})
    with database.begin() as session:
        session.add(OwnerShare(owner="ada", weight=2.0))
        session.add(OwnerShare(owner="mia", most_running=1))
        session.add(OwnerShare(owner="eve", may_cross=True))
    if seed % 2:  # one runs, so that its owner runs as many as may
        with database.begin() as session:
            job = owner_moves.create(session, "mia", spec)
            assert lifecycle.claim(session, job.id, "well", 30)
        naive.in_use["mia"] = 1
    for _ in range(40):
        owner, priority = draw.choice(("ada", "eve", "mia", "bob")), draw.choice((0, 0, 0, 0, 1, 5))
        with database.begin() as session:
            job = owner_moves.create(session, owner, spec, priority=priority)
            told = waits.of(session, [job])[job.id]
        naive.queued.append(NaiveJob(job.id, owner, priority))
        in_order = deepcopy(naive).publish(COUNTED)
        expected = in_order.index(job.id) + 1 if job.id in in_order else None
        assert told.position == expected, (owner, priority, told)
        assert (told.reason == WaitsFor.OWN_JOBS) == (owner == "mia" and bool(seed % 2))


def test_a_new_job_that_changes_whose_turn_is_first_brings_up_jobs_that_were_not_read(
    database: Database, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_COUNTED", COUNTED)
    waits, owners = Waits(30, Clock()), ("ada", "bob", "cid")
    with database.begin() as session:
        old = [owner_moves.create(session, owner, spec).id for _ in range(COUNTED) for owner in owners]
    ask(database, waits, *old)
    with database.begin() as session:  # ada's is no longer the job that has waited longest
        new = owner_moves.create(session, "ada", spec, priority=1)
        told = waits.of(session, [new])[new.id]
    assert ask(database, Waits(30, Clock()), new.id, *old) == [told, *ask(database, waits, *old)]


def test_what_was_being_read_when_a_queue_changed_is_told_to_nobody_else(
    database: Database, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, read = Waits(30, Clock()), waiting._read_queue
    with database.begin() as session:
        first, second = (owner_moves.create(session, "ada", spec).id for _ in range(2))

    def overtaken(session: Session, name: str, seen_within: float) -> waiting._Queue:
        found = read(session, name, seen_within)
        with database.begin() as other:
            owner_moves.set_priority(other, "ada", second, 5)
        waits.forget()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(waiting, "_read_queue", overtaken)
        assert ask(database, waits, second) == [Wait(WaitsFor.ITS_TURN, 2)]
    assert ask(database, waits, second, first) == [Wait(WaitsFor.ITS_TURN, 1), Wait(WaitsFor.ITS_TURN, 2)]


@pytest.mark.parametrize("queued", [2, 3 * COUNTED])
def test_a_new_job_of_an_owner_in_line_costs_no_statement(
    engine: Engine, database: Database, spec: JobSpec, monkeypatch: pytest.MonkeyPatch, queued: int
) -> None:
    monkeypatch.setattr(waiting, "MOST_COUNTED", COUNTED)
    waits = Waits(30, Clock())
    with database.begin() as session:
        jobs = [owner_moves.create(session, f"owner {number % 2}", spec) for number in range(queued)]
        waits.of(session, jobs)
    for number in range(2):
        with database.begin() as session:
            job = owner_moves.create(session, f"owner {number}", spec)
            with statements(engine) as sent:
                place = queued + number + 1 if queued < COUNTED else None
                assert waits.of(session, [job])[job.id] == Wait(WaitsFor.ITS_TURN, place)
            assert sent == []


def test_what_has_changed_is_told_when_what_was_read_is_a_second_old(
    database: Database, spec: JobSpec
) -> None:
    clock = Clock()
    here, elsewhere = Waits(30, clock), Waits(30, Clock())
    with database.begin() as session:
        first, second = (owner_moves.create(session, "ada", spec).id for _ in range(2))
    places = [Wait(WaitsFor.ITS_TURN, 1), Wait(WaitsFor.ITS_TURN, 2)]
    assert ask(database, here, first, second) == places
    with database.begin() as session:
        session.execute(update(Job).where(Job.id == second).values(priority=1))
        steering.pause(session, "prune", "ada")
    changed = [Wait(WaitsFor.RESUMED_QUEUE, 2), Wait(WaitsFor.RESUMED_QUEUE, 1)]
    clock.now = Clock.now + 0.99 * TOLD_SECONDS
    assert ask(database, here, first, second) == places
    assert ask(database, elsewhere, first, second) == changed, "another process has read nothing yet"
    clock.now = Clock.now + TOLD_SECONDS
    assert ask(database, here, first, second) == changed


def test_who_has_changed_a_queue_sees_it_at_once(database: Database, spec: JobSpec) -> None:
    waits = Waits(30, Clock())
    with database.begin() as session:
        first, second = (owner_moves.create(session, "ada", spec).id for _ in range(2))
    ask(database, waits, first, second)
    with database.begin() as session:
        owner_moves.set_priority(session, "ada", second, 5)
    waits.forget()
    assert ask(database, waits, second, first) == [Wait(WaitsFor.ITS_TURN, 1), Wait(WaitsFor.ITS_TURN, 2)]


def test_of_threads_that_ask_at_once_one_reads(
    engine: Engine, database: Database, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_PATIENCE_SECONDS", 60.0)
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
    threads, waits = 5, Waits(30, Clock())
    together = Barrier(threads)

    def one() -> Wait:
        with database.begin() as session:
            job = session.get_one(Job, job_id)
            together.wait()
            return waits.of(session, [job])[job_id]

    with statements(engine) as sent, ThreadPoolExecutor(threads) as pool:
        told = [asked.result() for asked in [pool.submit(one) for _ in range(threads)]]
    assert told == [Wait(WaitsFor.ITS_TURN, 1)] * threads
    assert sum("paused_at" in statement for statement in sent) == 1


def test_who_waits_in_vain_for_another_to_read_reads_itself(
    database: Database, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_PATIENCE_SECONDS", 0.01)
    waits = Waits(30, Clock())
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
    with waits._queues._reading:  # as by a thread whose query hangs
        assert ask(database, waits, job_id) == [Wait(WaitsFor.ITS_TURN, 1)]
