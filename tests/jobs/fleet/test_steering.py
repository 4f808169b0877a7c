"""Cordoned and drained workers and paused queues: who may claim what, and what is published."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue, line, machines, overview, quarantine, steering
from jobs.fleet.dispatch_queue import Orders
from jobs.fleet.overview import QueueSeen, WorkerState
from jobs.fleet.waiting import Wait, Waits, WaitsFor
from jobs.lifecycle import lifecycle
from jobs.placement.classes import Capacity
from jobs.tables import Job, Worker

Database = sessionmaker[Session]
Submit = Callable[[], UUID]


@pytest.fixture
def fleet(database: Database) -> None:
    """Two workers and a dispatcher that are alive."""
    with database.begin() as session:
        for name in ("a", "b"):
            dispatch_queue.worker_seen(session, name, "prune")
        dispatch_queue.dispatcher_seen(session, "dispatcher")


def wait_of(session: Session, job_id: UUID) -> Wait:
    return Waits(30).of(session, [session.get_one(Job, job_id)])[job_id]


def test_a_worker_is_told_by_its_heartbeat_what_an_operator_has_ordered(
    database: Database, fleet: None
) -> None:
    def orders(session: Session) -> Orders:
        return dispatch_queue.worker_seen(session, "a", "prune")

    with database.begin() as session:
        assert orders(session) == Orders(quarantined=False, cordoned=False, draining=False)
        assert steering.cordon(session, "a")
        assert orders(session) == Orders(quarantined=False, cordoned=True, draining=False)
        assert steering.drain(session, "a")
        assert orders(session) == Orders(quarantined=False, cordoned=True, draining=True)
        assert steering.uncordon(session, "a")
        assert orders(session) == Orders(quarantined=False, cordoned=False, draining=False)
        assert not any(act(session, "nobody") for act in (steering.cordon, steering.drain, steering.uncordon))


def test_a_cordoned_worker_claims_nothing_and_nothing_is_published_for_it(
    database: Database, submit: Submit, fleet: None
) -> None:
    job_id = submit()
    with database.begin() as session:
        steering.cordon(session, "a")
        assert quarantine.leaves_to_another(session, "a", job_id, 30)
        assert not quarantine.leaves_to_another(session, "b", job_id, 30)
        assert dispatch_queue.idle_in(dispatch_queue.idle_workers(session, 30), "prune").total() == 1
        assert wait_of(session, job_id) == Wait(WaitsFor.ITS_TURN, 1)
        steering.drain(session, "b")
        assert dispatch_queue.idle_in(dispatch_queue.idle_workers(session, 30), "prune").total() == 0
        assert wait_of(session, job_id) == Wait(WaitsFor.UNCORDONED_WORKER, 1)
        quarantine.quarantine(session, "a", "prune", "no disk")
        quarantine.quarantine(session, "b", "prune", "no disk")
        assert wait_of(session, job_id) == Wait(WaitsFor.HEALTHY_WORKER, 1, ("no disk",))
        quarantine.release(session, "a")
        steering.uncordon(session, "a")
        assert not quarantine.leaves_to_another(session, "a", job_id, 30)


def test_a_cordon_waits_for_a_claim_that_has_begun(database: Database, submit: Submit, fleet: None) -> None:
    """So that whoever has cordoned a worker knows the last job that it runs."""
    job_id = submit()

    def cordon() -> WorkerState:
        with database.begin() as session:
            steering.cordon(session, "a")
            seen = overview.worker(session, "a", 30)
            assert seen is not None
            return seen.state

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as session:
            assert not quarantine.leaves_to_another(session, "a", job_id, 30)
            cordoned = pool.submit(cordon)
            assert lifecycle.claim(session, job_id, "a", 30)
            assert not cordoned.done()
        assert cordoned.result(20) == WorkerState.BUSY


@pytest.mark.parametrize("known", [False, True])
def test_a_pause_waits_for_claims_that_have_begun_and_none_begins_behind_it(
    database: Database, submit: Submit, fleet: None, known: bool
) -> None:
    """So that whoever has paused a queue knows the last jobs that run. `known`: it was paused before."""
    first, second = submit(), submit()
    if known:
        with database.begin() as session:
            steering.pause(session, "prune", "root")
            steering.resume(session, "prune")

    def pause() -> int:
        with database.begin() as session:
            steering.pause(session, "prune", "root")
            [queue] = overview.queues(session, 30)
            return queue.running

    def may_claim() -> bool:
        with database.begin() as session:
            return not quarantine.leaves_to_another(session, "b", second, 30)

    with ThreadPoolExecutor(2) as pool:
        with database.begin() as session:
            assert not quarantine.leaves_to_another(session, "a", first, 30)
            paused = pool.submit(pause)
            while not _waiting_locks(session):
                assert not paused.done()
            later = pool.submit(may_claim)
            assert lifecycle.claim(session, first, "a", 30)
        assert paused.result(20) == 1, "the job that has begun"
        assert not later.result(20)


def _waiting_locks(session: Session) -> int:
    """Return how many statements wait for a lock in this database."""
    waiting = text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE NOT granted AND datname = current_database()"
    )
    return session.scalars(waiting).one()


def test_a_worker_for_one_job_is_drained_by_its_claim_although_it_had_no_row_yet(
    database: Database, submit: Submit
) -> None:
    first, second = submit(), submit()
    with database.begin() as session:
        assert not quarantine.leaves_to_another(session, "new", first, 30)
        assert lifecycle.claim(session, first, "new", 30)
        steering.took_its_only_job(session, "new", first)
    with database.begin() as session:
        assert quarantine.leaves_to_another(session, "new", second, 30)
        assert dispatch_queue.worker_seen(session, "new", "prune").draining
        assert session.get_one(Worker, "new").queue == "prune"


def test_jobs_of_a_paused_queue_are_neither_published_nor_claimed_and_running_ones_go_on(
    database: Database, submit: Submit, fleet: None
) -> None:
    running, published, queued, elsewhere = submit(), submit(), submit(), submit()
    with database.begin() as session:
        session.execute(update(Job).where(Job.id == elsewhere).values(queue="others"))
        claim = lifecycle.claim(session, running, "a", 30)
        assert claim is not None
        dispatch_queue.mark_dispatched(session, [published])
        steering.pause(session, "prune", "root")
        steering.pause(session, "prune", "somebody later")
        assert quarantine.leaves_to_another(session, "b", published, 30)
        assert not quarantine.leaves_to_another(session, "b", elsewhere, 30)
        assert dispatch_queue.waiting_queues(session) == ["others"], "only these are published"
        assert not dispatch_queue.can_be_taken(session, "prune", None)
        assert lifecycle.extend_lease(session, claim, 30)
        assert wait_of(session, published) == Wait(WaitsFor.RESUMED_QUEUE, 1)
        assert wait_of(session, queued) == Wait(WaitsFor.RESUMED_QUEUE, 2)
        [others, prune] = overview.queues(session, 30)
        assert others == QueueSeen("others", None, None, queued=1, running=0, workers=0)
        assert prune == QueueSeen("prune", prune.paused_at, "root", queued=2, running=1, workers=2)
        assert prune.paused_at is not None
        steering.resume(session, "prune")
        assert not quarantine.leaves_to_another(session, "b", published, 30)
        assert dispatch_queue.can_be_taken(session, "prune", None)
        assert dispatch_queue.waiting_queues(session) == ["others", "prune"]
        assert wait_of(session, queued) == Wait(WaitsFor.ITS_TURN, 2)


def test_a_job_that_is_published_between_two_looks_can_be_taken(
    database: Database, submit: Submit, fleet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a dispatcher does when a worker for one job has just started, which ends if it finds none."""
    job_id = submit()

    def publishes_after(looked: Callable[..., object]) -> Callable[..., object]:
        def look(*arguments: object) -> object:
            found = looked(*arguments)
            with database.begin() as session:
                dispatch_queue.mark_dispatched(session, [job_id])
            return found

        return look

    monkeypatch.setattr(line, "in_line", publishes_after(line.in_line))
    monkeypatch.setattr(dispatch_queue, "published", publishes_after(dispatch_queue.published))
    with database.begin() as session:
        assert dispatch_queue.can_be_taken(session, "prune", None)


def test_more_queued_jobs_than_are_counted_are_only_known_to_be_more(
    database: Database, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_COUNTED", 2)
    for _ in range(4):
        submit()
    with database.begin() as session:
        assert [queue.queued for queue in overview.queues(session, 30)] == [3]


def test_a_silent_worker_takes_no_jobs_and_a_cordoned_one_says_since_when(
    database: Database, fleet: None
) -> None:
    with database.begin() as session:
        steering.cordon(session, "a")
        [a, b] = overview.workers(session, 30)
        assert (a.state, a.since, b.state) == (WorkerState.CORDONED, a.worker.cordoned_at, WorkerState.IDLE)
        assert [queue.workers for queue in overview.queues(session, 30)] == [1]
        assert [queue.workers for queue in overview.queues(session, 0)] == [0]


def test_a_worker_counts_in_every_queue_that_it_reads(database: Database, fleet: None) -> None:
    with database.begin() as session:
        capacity = Capacity(host_bytes=1, scratch_bytes=1)
        machines.declared(session, "a", ["gpu.80g", "prune"], capacity)
        dispatch_queue.worker_seen(session, "new", "unknown")
        found = {queue.name: queue.workers for queue in overview.queues(session, 30)}
    assert found == {"gpu.80g": 1, "prune": 2}
