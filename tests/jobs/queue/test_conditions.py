"""What operators order, and how workers and queues are shown."""

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from jobs.database import Database
from jobs.lifecycle import owner_moves
from jobs.queue import conditions, overview, workers
from jobs.queue.overview import NO_QUEUE, QueueStatus, WorkerState
from jobs.queue.workers import WorkerConditions
from jobs.spec.job import JobSpec
from jobs.tables import Worker
from tests.jobs.queue.fleet import GPU_80G, LARGE, claim, register, submit


@pytest.fixture
def fleet(database: Database) -> None:
    """Two workers that are alive."""
    with database.begin() as session:
        for name in ("a", "b"):
            register(session, name)


def test_a_heartbeat_returns_what_an_operator_has_ordered(database: Database, fleet: None) -> None:
    def orders(session: Session) -> WorkerConditions:
        return workers.record_worker_heartbeat(session, "a", "cpu")

    with database.begin() as session:
        assert orders(session) == WorkerConditions(quarantined=False, cordoned=False, draining=False)
        assert conditions.cordon(session, "a")
        assert orders(session) == WorkerConditions(quarantined=False, cordoned=True, draining=False)
        assert conditions.drain(session, "a")
        assert orders(session) == WorkerConditions(quarantined=False, cordoned=True, draining=True)
        assert conditions.uncordon(session, "a")
        assert orders(session) == WorkerConditions(quarantined=False, cordoned=False, draining=False)
        assert not any(
            act(session, "nobody") for act in (conditions.cordon, conditions.drain, conditions.uncordon)
        )


def test_queues_are_shown_with_their_jobs_and_workers(database: Database, spec: JobSpec, fleet: None) -> None:
    with database.begin() as session:
        submit(session, spec), submit(session, spec), owner_moves.create(session, "ada", spec)
        assert claim(session, "a") is not None
        submit(session, spec, needs=LARGE)
        conditions.pause(session, "cpu", "root")
        conditions.pause(session, "cpu", "another one later")
        [cpu, none] = overview.queue_statuses(session, 30)
        assert cpu == QueueStatus("cpu", cpu.paused_at, "root", queued=1, running=1, workers=2)
        assert cpu.paused_at is not None
        assert none == QueueStatus(NO_QUEUE, None, None, queued=2, running=0, workers=0)
        register(session, "gpu", "gpu.80g", GPU_80G)
        conditions.resume(session, "cpu")
        assert overview.queue_status(session, "gpu.80g", 30) == QueueStatus("gpu.80g", None, None, 1, 0, 1)
        assert overview.queue_status(session, "cpu", 30) == QueueStatus("cpu", None, None, 1, 1, 2)
        assert overview.queue_status(session, "gpu.24g", 30) is None


def test_of_a_long_queue_only_the_first_jobs_are_counted(
    database: Database, spec: JobSpec, fleet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MAX_LISTED_JOBS", 2)
    with database.begin() as session:
        for _ in range(4):
            submit(session, spec)
        assert [queue.queued for queue in overview.queue_statuses(session, 30)] == [2]


def test_a_silent_worker_takes_no_jobs_and_a_cordoned_one_says_since_when(
    database: Database, fleet: None
) -> None:
    with database.begin() as session:
        conditions.cordon(session, "a")
        [a, b] = overview.worker_statuses(session, 30)
        assert (a.state, a.since, b.state) == (WorkerState.CORDONED, a.worker.cordoned_at, WorkerState.IDLE)
        assert [queue.workers for queue in overview.queue_statuses(session, 30)] == [1]
        session.execute(update(Worker).values(seen_at=text("clock_timestamp() - interval '31 seconds'")))
        assert [queue.workers for queue in overview.queue_statuses(session, 30)] == [0]
