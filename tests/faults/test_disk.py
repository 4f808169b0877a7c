"""A full disk, and a store that returns damaged bytes."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from jobs.lifecycle import finished_blocks, owner_moves
from jobs.lifecycle.events import LogMessage
from jobs.queue.waiting import Waits, WaitsFor
from jobs.states import JobState
from jobs.storage.store import Store
from jobs.tables import JobBlock, Worker
from pruning.recipe import Stage
from tests.faults.conftest import Judge
from tests.faults.damage import damage_stored
from tests.stack import Stack, directory_store, signal_to


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A separate file system of 64 megabytes."""
    directory = tmp_path / "small"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(directory)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small file system (CAP_SYS_ADMIN)")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


def test_a_full_disk_is_reported_with_numbers_and_a_retry_succeeds(
    stack: Stack, judge: Judge, small_disk: Path
) -> None:
    stack.environment["PRUNESERVE_WORK_DIR"] = str(small_disk / "work")
    stack.environment["PRUNESERVE_MIN_FREE_DISK_BYTES"] = "0"  # or the job would not even start
    stack.start_scheduler()
    stack.start_worker()
    stack.wait_until(lambda: has_said_its_room(stack))
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 100_000))
    job_id = stack.submit(stack.spec())
    job = stack.wait_for_end(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert "disk" in job.error["message"] or "space" in job.error["message"], job.error
    assert any(character.isdigit() for character in job.error["message"]), job.error
    filler.unlink()
    with stack.database.begin() as session:
        assert owner_moves.retry(session, "ada", job_id)
    judge("full disk, then retry", 1, [job_id])


def test_a_damaged_shard_is_computed_again(stack: Stack, judge: Judge, store_url: str) -> None:
    stack.start_scheduler()
    worker = stack.start_worker()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until(lambda: bool(pruned_blocks(stack, job_id)))
    signal_to(worker, signal.SIGKILL, children=True)
    damage_stored(Store(store_url), pruned_blocks(stack, job_id)[0].key)
    stack.expire_lease(job_id)
    stack.start_worker()
    stack.wait_until(lambda: pruned_blocks(stack, job_id)[0].attempt == 2)
    judge("corrupted shard", 1, [job_id])
    assert stack.job(job_id).attempt == 2


def has_said_its_room(stack: Stack) -> bool:
    """Whether a worker has recorded what it has room for: a job that needs more waits for another one."""
    with stack.database.begin() as session:
        return session.scalars(select(func.count()).where(Worker.capacity.is_not(None))).one() > 0


def pruned_blocks(stack: Stack, job_id: UUID) -> list[JobBlock]:
    with stack.database.begin() as session:
        return [row for row in finished_blocks.finished(session, job_id) if row.stage == Stage.PRUNE]


def test_a_full_store_is_told_while_a_job_waits_for_room_in_it(
    stack: Stack, judge: Judge, small_disk: Path
) -> None:
    stack.environment["STORE_URL"] = directory_store(small_disk)
    stack.start_scheduler()
    stack.start_worker()
    stack.wait_until(lambda: has_said_its_room(stack))  # one that finds the store full takes no jobs
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 4096))
    job_id = stack.submit(stack.spec())
    job = stack.wait_for(job_id, lambda job: job.next_try_at is not None)
    with stack.database.begin() as session:
        (wait,) = Waits(30.0).of(session, [job]).values()
    assert (job.state, wait.reason) == (JobState.RUNNING, WaitsFor.STORE)
    assert job.waiting_for == "the store is full; the operator must make room"
    assert job.store_away_since is not None
    filler.unlink()
    judge("full store, then room", 1, [job_id])
    said = [event.data.message for event in stack.events(job_id) if isinstance(event.data, LogMessage)]
    (begin,) = [line for line in said if line.startswith("waiting for the store since ")]
    assert begin.endswith(f": {job.waiting_for}")
    assert len([line for line in said if line.startswith("the store answers again, after ")]) == 1
    assert stack.job(job_id).next_try_at is None
