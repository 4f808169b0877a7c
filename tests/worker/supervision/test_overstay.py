"""A child that is still in a job which its worker has lost is ended; the job is another's by then."""

import subprocess
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from jobs.states import JobState, LostAttempt
from jobs.tables import Job
from worker.identity import Identity
from worker.supervision.overstay import Overstay
from worker.supervision.watchdog import Watchdog

Database = sessionmaker[Session]

ONE, TWO = uuid4(), uuid4()


@pytest.mark.threat
@pytest.mark.parametrize(
    ("seen", "stayed"),
    [
        pytest.param([(ONE, {ONE})] * 3, [0, 0, 0], id="a job that is held"),
        pytest.param([(ONE, {ONE}), *[(None, {ONE})] * 4], [0, 0, 1, 2, 3], id="lost, and still in it"),
        pytest.param([(ONE, {ONE}), (None, {ONE}), (None, set())], [0, 0, 0], id="lost, and left"),
        pytest.param([(ONE, {ONE}), (None, {ONE}), (TWO, {TWO})], [0, 0, 0], id="left for another job"),
        pytest.param([(None, {ONE})] * 3, [0, 0, 0], id="not claimed yet"),
        pytest.param([(ONE, {ONE}), *[(None, {TWO})] * 3], [0, 0, 0, 0], id="another one not claimed yet"),
        pytest.param(
            [(ONE, {ONE}), (None, {ONE}), (None, {ONE}), (ONE, {ONE}), (None, {ONE}), (None, {ONE})],
            [0, 0, 1, 0, 0, 1],
            id="held again",
        ),
    ],
)
def test_time_counts_in_a_job_that_was_held_and_is_not(
    seen: list[tuple[UUID | None, set[UUID]]], stayed: list[int]
) -> None:
    overstay = Overstay()
    assert [overstay.seconds(*state, now=float(now)) for now, state in enumerate(seen)] == stayed


def test_a_job_whose_child_was_killed_is_not_counted_again() -> None:
    overstay = Overstay()
    overstay.seconds(ONE, {ONE}, 0.0)
    overstay.seconds(None, {ONE}, 1.0)
    overstay.ended()
    assert overstay.seconds(None, {ONE}, 100.0) == 0.0


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"], process_group=0)
    yield process
    process.kill()
    process.wait()


def lose(database: Database, claim: Claim) -> Claim:
    """End the lease as the dispatcher does, and give the job to another worker. Return the new claim."""
    with database.begin() as session:
        lifecycle.take_back(session, claim.job_id, claim.lease_token, "silent", 3, LostAttempt.LOST_WORKER)
        other = lifecycle.claim(session, claim.job_id, "another worker", 30)
    assert other is not None
    return other


@pytest.mark.threat
def test_the_child_is_killed_and_the_new_claim_is_left_alone(
    settings: Settings, database: Database, claim: Claim, worker: Identity, child: subprocess.Popen[bytes]
) -> None:
    hasty = settings.model_copy(update={"lease_seconds": 0.2})
    watchdog = Watchdog(hasty, database, worker.name, lambda: [child.pid], lambda: {claim.job_id})
    watchdog.check()
    other = lose(database, claim)
    watchdog.check()
    assert child.poll() is None, "it has a while to notice by itself"
    time.sleep(0.3)
    watchdog.check()
    assert child.wait(120) == -9
    with database.begin() as session:
        job = session.get_one(Job, claim.job_id)
        assert (job.state, job.lease_token, job.lost_attempts) == (JobState.RUNNING, other.lease_token, 1)


@pytest.mark.threat
def test_a_child_that_has_left_the_job_is_not_killed(
    settings: Settings, database: Database, claim: Claim, worker: Identity, child: subprocess.Popen[bytes]
) -> None:
    hasty = settings.model_copy(update={"lease_seconds": 0.01})
    watchdog = Watchdog(hasty, database, worker.name, lambda: [child.pid], set)
    watchdog.check()
    lose(database, claim)
    for _ in range(3):
        watchdog.check()
        time.sleep(0.02)
    assert child.poll() is None
