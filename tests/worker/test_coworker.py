"""A worker without a job of its own computes lanes of one that runs, and leaves without a trace in it."""

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue
from jobs.lifecycle import event_log, finished_blocks, lane_leases, lanes, lifecycle, owner_moves
from jobs.lifecycle.events import LogMessage
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from jobs.states import JobState
from jobs.storage.store import Store
from jobs.tables import GradientLane, Job, JobAttempt, Worker
from pruning.errors import InvalidInput, Unreachable
from pruning.lanes.helping import OfferedLanes, OtherConditions
from pruning.recipe import Stage
from pruning.resume.hashed_file import HashedFile
from pruning.run import RunRequest, Services
from worker import coworker, run_job
from worker.attempt.lanes.coworker import LaneStore, held_lane
from worker.identity import Identity
from worker.interrupts import LeaseLost

pytestmark = pytest.mark.usefixtures("short_waits")

Database = sessionmaker[Session]
KEY = {"device": "cpu", "lanes": 16}


@pytest.fixture
def claim(database: Database, submit: Callable[[], UUID], worker: Identity) -> Claim:
    """A job that another worker runs, whose lanes are open to this one."""
    with database.begin() as session:
        dispatch_queue.worker_seen(session, worker.name, worker.queue)
        claim = lifecycle.claim(session, submit(), "own", 30)
        assert claim is not None
        lanes.open_lanes(session, claim, KEY, 16)
    return claim


class StandInLibrary:
    """Replaces `pruning.run.help_with_lanes`: takes lanes and calls `in_the_middle` in each."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.in_the_middle: Callable[[Services], None] = lambda services: None

    def __call__(self, request: RunRequest, services: Services, offered: OfferedLanes) -> None:
        assert offered.numerics_key == KEY
        services.progress.stage_started(Stage.GRADIENTS, 1)
        while (lane := offered.take()) is not None:
            self.taken.append(lane)
            self.in_the_middle(services)
            services.progress.step_finished(Stage.GRADIENTS, 1, 1)
            offered.finish(lane)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> StandInLibrary:
    stand_in = StandInLibrary()
    monkeypatch.setattr(coworker, "help_with_lanes", stand_in)
    return stand_in


def raising(error: BaseException) -> Callable[[Services], None]:
    def fail(services: Services) -> None:
        raise error

    return fail


def held(database: Database, claim: Claim) -> int:
    with database.begin() as session:
        query = select(func.count()).where(
            GradientLane.job_id == claim.job_id, GradientLane.token.is_not(None)
        )
        return session.scalars(query.select_from(GradientLane)).one()


def told(database: Database, claim: Claim) -> list[str]:
    with database.begin() as session:
        events = event_log.since(session, claim.job_id, 0)
    return [event.data.message for event in events if isinstance(event.data, LogMessage)]


def test_the_message_of_a_job_that_runs_lets_a_worker_compute_lanes(
    database: Database, settings: Settings, worker: Identity, claim: Claim, library: StandInLibrary
) -> None:
    assert not run_job.run_job(claim.job_id, settings, worker)
    assert library.taken == list(range(lanes.MOST_AHEAD))  # nobody folds them
    with database.begin() as session:
        assert lanes.finished(session, claim.job_id) == set(range(lanes.MOST_AHEAD))
        job = session.get_one(Job, claim.job_id)
        assert (job.state, job.attempt, job.worker) == (JobState.RUNNING, 1, "own")
        assert session.scalar(select(func.count()).select_from(JobAttempt)) == 1
    assert told(database, claim) == [f"worker {worker.name} helps with the gradients"]
    assert not list((settings.work_dir / "lanes").iterdir())


def test_it_leaves_when_a_job_waits_for_it(
    database: Database,
    settings: Settings,
    worker: Identity,
    claim: Claim,
    library: StandInLibrary,
    submit: Callable[[], UUID],
) -> None:
    def submit_one(services: Services) -> None:
        waiting = submit()
        with database.begin() as session:
            session.execute(update(Job).where(Job.id == waiting).values(queue=worker.queue))

    library.in_the_middle = submit_one
    run_job.run_job(claim.job_id, settings, worker)
    assert library.taken == [0]
    run_job.run_job(claim.job_id, settings, worker)
    assert library.taken == [0]


def test_a_cordoned_worker_takes_no_lane(
    database: Database, settings: Settings, worker: Identity, claim: Claim, library: StandInLibrary
) -> None:
    with database.begin() as session:
        session.execute(update(Worker).where(Worker.name == worker.name).values(cordoned_at=func.now()))
    run_job.run_job(claim.job_id, settings, worker)
    assert library.taken == []


def test_a_cancelled_job_takes_its_lane_away(
    database: Database, settings: Settings, worker: Identity, claim: Claim, library: StandInLibrary
) -> None:
    def cancel(services: Services) -> None:
        with database.begin() as session:
            owner_moves.cancel(session, claim.owner, claim.job_id)

    library.in_the_middle = cancel
    assert not run_job.run_job(claim.job_id, settings, worker)
    assert library.taken == [0]
    assert held(database, claim) == 0


def test_a_shutdown_gives_the_lane_back_and_counts_as_no_failure(
    database: Database, settings: Settings, worker: Identity, claim: Claim, library: StandInLibrary
) -> None:
    library.in_the_middle = lambda services: worker.request_shutdown()
    assert not run_job.run_job(claim.job_id, settings, worker)
    assert held(database, claim) == 0
    assert len(told(database, claim)) == 1


@pytest.mark.parametrize(
    ("error", "says", "failures"),
    [
        (OtherConditions("this worker's threads would give other bits"), "threads would give other bits", 0),
        (Unreachable("the Hub does not answer"), "the Hub does not answer", 0),
        (
            InvalidInput("the digest of this run was 1 and is 2", field="model.id"),
            "the digest of this run was",
            1,
        ),
    ],
    ids=["other numerics", "an outage", "another model"],
)
def test_a_worker_that_cannot_help_says_why_and_the_job_goes_on(
    error: Exception,
    says: str,
    failures: int,
    database: Database,
    settings: Settings,
    worker: Identity,
    claim: Claim,
    library: StandInLibrary,
) -> None:
    library.in_the_middle = raising(error)
    assert not run_job.run_job(claim.job_id, settings, worker)
    assert says in told(database, claim)[-1]
    assert held(database, claim) == 0
    with database.begin() as session:
        assert session.get_one(Job, claim.job_id).state == JobState.RUNNING
        assert session.get_one(Worker, worker.name).faults == 0
        assert set(session.scalars(select(GradientLane.failures))) == {failures}
    run_job.run_job(claim.job_id, settings, worker)
    assert library.taken == [0]  # it is not asked again


def test_a_shard_that_comes_late_from_a_lost_lane_leaves_that_of_its_next_worker_as_it_is(
    database: Database, settings: Settings, worker: Identity, claim: Claim, tmp_path: Path
) -> None:
    def holder(of: Identity) -> LaneStore:
        attempt = held_lane(claim.job_id, settings, of, database)
        assert attempt is not None
        store = LaneStore(attempt, tmp_path / of.name)
        store.begin(Stage.GRADIENTS, KEY)
        return store

    def commit(store: LaneStore, content: bytes) -> None:
        path = store.directory(Stage.GRADIENTS) / "lane-00-00000-l2.safetensors"
        path.write_bytes(content)
        store.commit(Stage.GRADIENTS, 1_000_000, HashedFile.of(path))

    slow = holder(worker)
    with database.begin() as session:
        session.execute(update(GradientLane).values(expires_at=func.now()))
        dispatch_queue.worker_seen(session, "next", worker.queue)
    commit(holder(Identity("next", tmp_path / "shutdown")), b"of the next")
    with pytest.raises(LeaseLost):
        commit(slow, b"of the lost one")
    with database.begin() as session:
        (row,) = finished_blocks.finished(session, claim.job_id)
    assert b"".join(Store(settings.store_url).stream(row.key)) == b"of the next"


def test_a_fault_of_the_worker_is_counted_against_it(
    database: Database, settings: Settings, worker: Identity, claim: Claim, library: StandInLibrary
) -> None:
    library.in_the_middle = raising(OSError(errno.EIO, "input/output error"))
    run_job.run_job(claim.job_id, settings, worker)
    with database.begin() as session:
        assert session.get_one(Worker, worker.name).faults == 1
        assert session.get_one(Job, claim.job_id).state == JobState.RUNNING


def test_a_worker_that_hangs_loses_its_lane(
    database: Database,
    settings: Settings,
    worker: Identity,
    claim: Claim,
    library: StandInLibrary,
    eventually: Callable[[Callable[[], bool]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hung_for = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + hung_for)
    monkeypatch.setattr("worker.attempt.lanes.coworker.time", clock)

    def beats() -> bool:
        return any(thread.name == "heartbeat" for thread in threading.enumerate())

    def hang(services: Services) -> None:
        nonlocal hung_for
        assert beats()
        hung_for = settings.stall_seconds + 1
        eventually(lambda: not beats())
        with database.begin() as session:  # so nobody extends the lease, which ends at some time
            session.execute(update(GradientLane).values(expires_at=func.now()))
        with database.begin() as session:
            assert lane_leases.helped_by(session, worker.name) is None

    library.in_the_middle = hang
    run_job.run_job(claim.job_id, settings, worker)
    assert library.taken == [0]
    with database.begin() as session:
        assert lanes.finished(session, claim.job_id) == set()
        taken = lanes.take(session, claim.job_id, "another", 30)
        assert taken is not None
        assert taken.lane == 0


def test_a_worker_for_one_job_takes_no_lane(
    settings: Settings, claim: Claim, library: StandInLibrary, tmp_path: Path
) -> None:
    run_job.run_job(claim.job_id, settings, Identity("one", tmp_path / "shutdown", one_job=True))
    assert library.taken == []
