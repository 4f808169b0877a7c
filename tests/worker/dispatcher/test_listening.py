"""Real dispatchers begin a job when they are told of it, and without being told in their next round."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select, text

from cli.embedded.process import OwnedProcess
from cli.embedded.server import LOOPBACK, free_port
from jobs.fleet import dispatch_queue, machines, steering
from jobs.hints import hints
from jobs.lifecycle import owner_moves
from jobs.placement.classes import UNKNOWN, Capacity
from jobs.spec.placement import Placement
from jobs.states import JobState, PlacementState
from jobs.tables import Worker
from tests.stack import Stack

RARE_ROUNDS = "tests.worker.dispatcher.rare_rounds"
OF_LISTENERS = (
    "FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'pruneserve-dispatcher-events'"
)
LISTENED_FOR = text(
    "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND classid = :lock"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def start_worker(stack: Stack) -> OwnedProcess:
    """Start a worker whose jobs do nothing, and wait until it takes them."""
    before = names(stack)
    worker = stack.start("tests.faults.no_op_worker")
    stack.wait_until(lambda: len(names(stack)) == len(before) + 1)
    return worker


def names(stack: Stack) -> Sequence[str]:
    with stack.database.begin() as session:
        return session.scalars(select(Worker.name).where(Worker.queue != UNKNOWN)).all()


def listens(stack: Stack) -> bool:
    with stack.database.begin() as session:
        found = set(session.scalars(LISTENED_FOR, {"lock": hints.LOCK}))
    return found == {*map(hints.number_of, (hints.DISPATCH, hints.SUBMITTED, hints.WORKERS))}


@pytest.fixture(scope="module")
def told(shared_stack: Stack) -> Stack:
    """A worker, and a dispatcher that looks at nothing of which it is not told, after a first job."""
    start_worker(shared_stack)
    shared_stack.start(RARE_ROUNDS)
    shared_stack.wait_until(lambda: listens(shared_stack))
    run(shared_stack)
    return shared_stack


def run(stack: Stack) -> None:
    assert stack.wait_for_end(stack.submit(stack.spec())).state == JobState.SUCCEEDED


def test_jobs_begin_when_they_are_submitted_and_when_a_worker_ends_another(told: Stack) -> None:
    run(told)
    together = [told.submit(told.spec(), f"owner-{number}") for number in range(3)]
    assert {told.wait_for_end(job_id).state for job_id in together} == {JobState.SUCCEEDED}


def test_what_is_submitted_while_the_connection_is_lost_begins_when_it_is_there_again(told: Stack) -> None:
    with told.database.begin() as session:
        session.execute(text(f"SELECT pg_terminate_backend(pid) {OF_LISTENERS}"))
    run(told)
    told.wait_until(lambda: listens(told))
    run(told)


def test_a_job_begins_when_a_worker_comes(told: Stack) -> None:
    (cordoned,) = names(told)
    with told.database.begin() as session:
        assert steering.cordon(session, cordoned)
    job_id = told.submit(told.spec())
    start_worker(told)
    assert told.wait_for_end(job_id).state == JobState.SUCCEEDED
    attempts = text("SELECT worker FROM job_attempts WHERE job_id = :job_id")
    with told.database.begin() as session:
        assert cordoned not in session.scalars(attempts, {"job_id": job_id}).all()


def test_a_job_that_no_worker_had_room_for_is_given_to_the_class_of_one_that_comes(told: Stack) -> None:
    """Its rounds see no other heartbeat: who looks at the workers by these alone would never find it."""
    spec = told.spec().model_copy(update={"placement": Placement(scratch_bytes=10**13)})
    job_id = told.submit(spec)
    told.wait_for(job_id, lambda job: job.placement == PlacementState.UNSCHEDULABLE)
    has = Capacity(gpus=0, device_bytes=0, host_bytes=2**36, scratch_bytes=2 * 10**13)
    with told.database.begin() as session:
        machines.declared(session, "roomy", ["roomy"], has)

    def is_placed() -> bool:
        with told.database.begin() as session:
            dispatch_queue.worker_seen(session, "roomy", "roomy")
        job = told.job(job_id)
        return (job.placement, job.queue) == (PlacementState.PLACED, "roomy")

    told.wait_until(is_placed)
    with told.database.begin() as session:
        assert owner_moves.cancel(session, "ada", job_id)
        dispatch_queue.worker_gone(session, "roomy")


def test_rounds_find_what_nobody_can_tell_them_of(stack: Stack) -> None:
    nobody = f"postgresql://somebody@{LOOPBACK}:{free_port()}/nothing"
    stack.environment |= {"DATABASE_LISTEN_URL": nobody}
    start_worker(stack)
    stack.start_dispatcher()
    for _ in range(2):
        run(stack)
    with stack.database.begin() as session:
        assert session.scalar(text(f"SELECT count(*) {OF_LISTENERS}")) == 0
