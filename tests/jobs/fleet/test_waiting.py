"""Why a queued job waits, from the rows of workers, dispatchers and other jobs."""

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from bench.service.plans import explaining
from bench.service.seed_jobs import fill
from jobs.fleet import dispatch_queue, line, quarantine, waiting
from jobs.fleet.waiting import Wait, Waits, WaitsFor
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.spec.job import JobSpec
from jobs.states import Cause
from jobs.tables import Dispatcher, Job, OwnerShare, Worker

Database = sessionmaker[Session]
Submit = Callable[[], UUID]

A_MINUTE_AGO = text("clock_timestamp() - interval '61 seconds'")
LONG_AGO = text("clock_timestamp() - interval '31 seconds'")


@pytest.fixture
def fleet(database: Database) -> None:
    """A worker and a dispatcher that are alive."""
    with database.begin() as session:
        dispatch_queue.worker_seen(session, "well", "prune")
        dispatch_queue.dispatcher_seen(session, "dispatcher")


def waits(database: Database, job_ids: Sequence[UUID]) -> list[Wait | None]:
    with database.begin() as session:
        jobs = [session.get_one(Job, job_id) for job_id in job_ids]
        found = Waits(30).of(session, jobs)
    return [found.get(job_id) for job_id in job_ids]


def test_without_a_live_worker_of_its_queue_a_job_waits_for_one(database: Database, submit: Submit) -> None:
    job_id = submit()
    assert waits(database, [job_id]) == [Wait(WaitsFor.WORKER, 1)]
    with database.begin() as session:
        dispatch_queue.worker_seen(session, "of another queue", "others")
        dispatch_queue.worker_seen(session, "silent", "prune")
        session.execute(update(Worker).where(Worker.name == "silent").values(seen_at=LONG_AGO))
    assert waits(database, [job_id]) == [Wait(WaitsFor.WORKER, 1)]


def test_where_every_live_worker_is_quarantined_the_most_frequent_faults_are_named(
    database: Database, submit: Submit, fleet: None
) -> None:
    job_id = submit()
    with database.begin() as session:
        for worker, fault in enumerate(("no disk", "no GPU", "no GPU", "a", "b", "c")):
            quarantine.quarantine(session, f"sick {worker}", "prune", fault)
    assert waits(database, [job_id]) == [Wait(WaitsFor.ITS_TURN, 1)]
    with database.begin() as session:
        quarantine.quarantine(session, "well", "prune", "no disk")
        dispatch_queue.worker_seen(session, "sick of another queue", "others")
    [wait] = waits(database, [job_id])
    assert wait is not None
    assert wait.reason == WaitsFor.HEALTHY_WORKER
    assert set(wait.faults[:2]) == {"no GPU", "no disk"}
    assert len(wait.faults) == 3


def test_without_a_dispatcher_nothing_is_published(database: Database, submit: Submit, fleet: None) -> None:
    job_id = submit()
    with database.begin() as session:
        session.execute(update(Dispatcher).values(seen_at=LONG_AGO))
    assert waits(database, [job_id]) == [Wait(WaitsFor.DISPATCHER, 1)]


def test_where_no_dispatcher_reaches_the_broker_jobs_wait_for_it_since_the_last_did(
    database: Database, submit: Submit, fleet: None
) -> None:
    job_id = submit()

    def beat(name: str, *, reaches_broker: bool) -> None:
        with database.begin() as session:
            dispatch_queue.dispatcher_seen(session, name, reaches_broker=reaches_broker)

    beat("other", reaches_broker=False)
    assert waits(database, [job_id]) == [Wait(WaitsFor.ITS_TURN, 1)]
    beat("dispatcher", reaches_broker=False)
    with database.begin() as session:
        since = session.get_one(Dispatcher, "dispatcher").broker_away_since
    beat("dispatcher", reaches_broker=False)
    assert since is not None
    assert waits(database, [job_id]) == [Wait(WaitsFor.BROKER, 1, since=since)]
    beat("other", reaches_broker=True)
    assert waits(database, [job_id]) == [Wait(WaitsFor.ITS_TURN, 1)]
    with database.begin() as session:
        session.execute(update(Dispatcher).where(Dispatcher.name == "other").values(seen_at=LONG_AGO))
    assert waits(database, [job_id]) == [Wait(WaitsFor.BROKER, 1, since=since)]


def test_positions_count_the_earlier_jobs_of_every_owner_that_are_still_queued(
    database: Database, spec: JobSpec, fleet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_COUNTED", 4)
    with database.begin() as session:
        ids = [
            owner_moves.create(session, owner, spec).id
            for owner in ("ada", "eve", "ada", "eve", "ada", "ada")
        ]
        assert lifecycle.claim(session, ids[1], "well", 30)
        dispatch_queue.mark_dispatched(session, ids[:1])
        owner_moves.create(session, "eve", spec)
    expected = [Wait(WaitsFor.ITS_TURN, position) for position in (1, 2, 3, 4, None)]
    assert waits(database, ids) == [expected[0], None, *expected[1:]]


def test_a_job_that_went_back_to_the_queue_keeps_its_place(
    database: Database, submit: Submit, fleet: None
) -> None:
    first, second = submit(), submit()
    with database.begin() as session:
        claim = lifecycle.claim(session, first, "well", 30)
        assert claim is not None
        fault = JobError(type="worker", message="no disk", cause=Cause.WORKER)
        assert lifecycle.requeue_after_fault(session, claim, fault, 6)
    assert waits(database, [first, second]) == [Wait(WaitsFor.ITS_TURN, 1), Wait(WaitsFor.ITS_TURN, 2)]


def test_a_job_that_waits_for_anothers_gradients_takes_no_place(
    database: Database, submit: Submit, fleet: None
) -> None:
    computing, blocked, other = submit(), submit(), submit()
    with database.begin() as session:
        claim = lifecycle.claim(session, computing, "well", 30)
        assert claim is not None
        session.execute(update(Job).where(Job.id == blocked).values(blocked_on=computing))
    assert waits(database, [blocked, other]) == [Wait(WaitsFor.ANOTHER_JOB), Wait(WaitsFor.ITS_TURN, 1)]
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="invalid_input", message="no"))
    assert waits(database, [blocked, other]) == [Wait(WaitsFor.ITS_TURN, 1), Wait(WaitsFor.ITS_TURN, 2)]


def test_a_job_whose_files_are_still_to_be_looked_at_waits_for_that_and_for_a_minute_at_most(
    database: Database, spec: JobSpec, submit: Submit, fleet: None
) -> None:
    with database.begin() as session:
        unchecked = owner_moves.create(session, "ada", spec, checks_pending=True).id
    other = submit()
    assert waits(database, [unchecked, other]) == [Wait(WaitsFor.CHECKS), Wait(WaitsFor.ITS_TURN, 1)]
    with database.begin() as session:
        session.execute(update(Job).where(Job.id == unchecked).values(queued_at=A_MINUTE_AGO))
    assert waits(database, [unchecked, other]) == [Wait(WaitsFor.ITS_TURN, 1), Wait(WaitsFor.ITS_TURN, 2)]
    with database.begin() as session:
        again = owner_moves.create(session, "ada", spec, checks_pending=True).id
        dispatch_queue.checked(session, again)
    assert waits(database, [again]) == [Wait(WaitsFor.ITS_TURN, 3)]


def test_a_job_that_the_hub_does_not_answer_takes_no_place_before_its_next_try(
    database: Database, submit: Submit, fleet: None
) -> None:
    tried, other = submit(), submit()
    with database.begin() as session:
        claim = lifecycle.claim(session, tried, "well", 30)
        assert claim is not None
        error = JobError(type="unreachable", message="the Hub did not answer")
        assert lifecycle.requeue_while_unreachable(session, claim, error, 3600.0)
    assert waits(database, [tried, other]) == [Wait(WaitsFor.OUTSIDE), Wait(WaitsFor.ITS_TURN, 1)]
    with database.begin() as session:
        session.execute(update(Job).where(Job.id == tried).values(next_try_at=LONG_AGO))
    assert waits(database, [tried, other]) == [Wait(WaitsFor.OUTSIDE), Wait(WaitsFor.ITS_TURN, 2)]


def test_an_owner_with_more_than_its_share_is_told_so_while_others_wait(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    with database.begin() as session:
        ids = [owner_moves.create(session, owner, spec).id for owner in ("ada", "ada", "ada", "eve")]
        assert lifecycle.claim(session, ids[0], "well", 30)
        dispatch_queue.mark_dispatched(session, ids[1:2])
    published, its_share, next_one = waits(database, ids[1:])
    assert published == Wait(WaitsFor.ITS_TURN, 1), "it has had its turn"
    assert its_share == Wait(WaitsFor.ITS_SHARE, 3, running=2)
    assert next_one == Wait(WaitsFor.ITS_TURN, 2)
    with database.begin() as session:
        session.add(OwnerShare(owner="ada", weight=100.0))
        assert lifecycle.claim(session, ids[3], "other", 30)
    assert waits(database, ids[2:3]) == [Wait(WaitsFor.ITS_TURN, 2)]


def test_a_job_of_an_owner_that_runs_as_many_as_allowed_waits_for_these(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    with database.begin() as session:
        session.add(OwnerShare(owner="ada", most_running=1))
        ids = [owner_moves.create(session, owner, spec).id for owner in ("ada", "ada", "eve")]
        assert lifecycle.claim(session, ids[0], "well", 30)
    assert waits(database, ids[1:]) == [Wait(WaitsFor.OWN_JOBS, running=1), Wait(WaitsFor.ITS_TURN, 1)]


def test_a_long_queue_is_read_no_further_than_it_is_counted(
    engine: Engine, database: Database, spec: JobSpec
) -> None:
    with engine.begin() as connection:
        fill(connection, spec, "{}", jobs=5000)
        connection.execute(text("UPDATE jobs SET state = 'queued', attempt = 0 WHERE state = 'succeeded'"))
        connection.execute(text("UPDATE jobs SET owner = 'ada'"))
        connection.execute(
            text(
                "UPDATE jobs SET blocked_on = (SELECT id FROM jobs WHERE state = 'running' LIMIT 1) "
                "WHERE id IN (SELECT id FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 20)"
            )
        )
        connection.execute(text("ANALYZE jobs"))
    with database.begin() as session:
        oldest = session.scalars(
            select(Job.id)
            .where(Job.state == "queued", Job.blocked_on.is_(None))
            .order_by(Job.id)
            .limit(waiting.MOST_COUNTED)
        ).all()
    with explaining(engine) as asked, database.begin() as session:
        found = line.in_line(session, "prune", waiting.MOST_COUNTED)
    assert [job.id for job in found.jobs] == oldest
    assert sum(each.read for each in asked) < 4 * waiting.MOST_COUNTED
