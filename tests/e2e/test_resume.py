"""A job whose worker is killed resumes at the same block, and gives the same result as an undisturbed one."""

import random
import signal
from pathlib import Path
from uuid import UUID

import pytest

from jobs.lifecycle import attempt_files
from jobs.states import JobState
from jobs.storage.store import Store
from jobs.tables import JobBlock
from pruning.recipe import Stage
from tests.stack import Stack, directory_store, signal_to
from tests.tiers import nightly

pytestmark = pytest.mark.nightly

BLOCKS = 4


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return directory_store(tmp_path)


def rows(stack: Stack, job_id: UUID, stage: Stage) -> list[JobBlock]:
    with stack.database.begin() as session:
        return [row for row in attempt_files.finished_blocks(session, job_id) if row.stage == stage]


def checksums(stack: Stack, job_id: UUID) -> dict[str, str]:
    return {
        name: artifact.sha256
        for name, artifact in stack.artifacts(job_id).items()
        if name.endswith(".safetensors")
    }


@pytest.mark.parametrize(
    "same_machine",
    [nightly(True), False],
    ids=["same machine", "another machine"],
)
def test_a_job_killed_at_a_random_block_repeats_at_most_that_block(
    same_machine: bool, stack: Stack, tmp_path: Path, store_url: str
) -> None:
    finished = random.randint(1, BLOCKS - 1)  # noqa: S311 - no secret
    print(f"killed after block {finished - 1}")
    spec = stack.spec(method="wanda", samples=600)
    scheduler = stack.start_scheduler()
    worker = stack.start_worker()
    killed = stack.submit(spec)
    stack.wait_until(lambda: len(rows(stack, killed, Stage.PRUNE)) >= finished)
    signal_to(worker, signal.SIGKILL, children=True)
    durable = rows(stack, killed, Stage.PRUNE)
    assert len(durable) < BLOCKS, "the job was too fast to be killed in the middle"
    stack.expire_lease(killed)
    other_machine = {} if same_machine else {"PRUNESERVE_WORK_DIR": str(tmp_path / "elsewhere")}
    stack.start_worker(**other_machine)
    stack.wait_for(killed, lambda job: job.attempt == 2)
    scheduler.stop()  # it would delete the shards once the job has succeeded
    job = stack.wait_for_end(killed)
    assert (job.state, job.attempt, job.lost_attempts) == (JobState.SUCCEEDED, 2, 0), job.error

    shards = [found.key for found in Store(store_url).list(f"jobs/{killed}") if "/blocks/prune/" in found.key]
    first, second = ([key for key in shards if f"/attempts/{attempt}/" in key] for attempt in (1, 2))
    assert len(second) == BLOCKS - len(durable)
    assert 0 <= len(first) - len(durable) <= 1  # one may have been written and not yet have had its row

    stack.start_scheduler()
    undisturbed = stack.submit(spec)
    assert stack.wait_for_end(undisturbed).attempt == 1
    assert checksums(stack, killed) == checksums(stack, undisturbed)
