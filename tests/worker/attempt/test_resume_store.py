"""A job's resume store on a real database and object store: which blocks count as finished, and for whom."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
import torch

from jobs.database import Database
from jobs.lifecycle import attempt_files, lifecycle, owner_moves
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from jobs.tables import Job, JobBlock
from pruning.recipe import Stage
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import ActivationCheckpoint
from tests.claims import claimed
from worker.attempt.attempt import Attempt
from worker.attempt.resume_store import JobResumeStore
from worker.identity import Identity
from worker.interrupts import CancelRequested, LeaseLost, ShutdownRequested
from worker.scratch import RESUME_STORE, scratch

CONDITIONS = {"dtype": "float32", "threads": 2, "attention": None}


@pytest.fixture
def resume_store_of(
    attempt_of: Callable[[Claim], Attempt], tmp_path: Path
) -> Callable[[Claim], JobResumeStore]:
    def make(claim: Claim) -> JobResumeStore:
        return JobResumeStore(attempt_of(claim), tmp_path / f"attempt-{claim.attempt}")

    return make


@pytest.fixture
def next_attempt(database: Database, worker: Identity) -> Callable[[Claim], Claim]:
    """Takes the job away from its worker and gives the claim of the next attempt."""

    def lose(claim: Claim) -> Claim:
        with database.begin() as session:
            lifecycle.take_back(session, claim.job_id, claim.lease_token, "its lease ran out", 99)
            return claimed(session, claim.job_id, worker.name)

    return lose


def finish(resume_store: JobResumeStore, block: int, content: bytes) -> None:
    path = resume_store.directory(Stage.PRUNE) / f"{block}.safetensors"
    path.write_bytes(content)
    resume_store.commit(Stage.PRUNE, block, HashedFile.of(path))


def found(resume_store: JobResumeStore, conditions: dict[str, object] = CONDITIONS) -> dict[int, bytes]:
    finished = resume_store.begin(Stage.PRUNE, conditions)
    return {block: file.path.read_bytes() for block, file in finished.items()}


def lost_attempts(database: Database, job_id: UUID) -> int:
    with database.begin() as session:
        return session.get_one(Job, job_id).lost_attempts


def test_the_next_attempt_finds_what_was_kept(
    claim: Claim, resume_store_of: Callable[[Claim], JobResumeStore], next_attempt: Callable[[Claim], Claim]
) -> None:
    first = resume_store_of(claim)
    assert found(first) == {}
    finish(first, 0, b"zero")
    finish(first, 7, b"seven" * 1_000_000)
    second = resume_store_of(next_attempt(claim))
    assert found(second) == {0: b"zero", 7: b"seven" * 1_000_000}
    assert found(second, CONDITIONS | {"threads": 3}) == {}


def test_an_attempt_resumes_blocks_of_its_release_after_a_newer_one_ran(
    claim: Claim, resume_store_of: Callable[[Claim], JobResumeStore], next_attempt: Callable[[Claim], Claim]
) -> None:
    for numerics, content in ((3, b"newer"), (2, b"older")):
        resume_store = resume_store_of(claim)
        assert found(resume_store, CONDITIONS | {"numerics": numerics}) == {}
        finish(resume_store, 0, content)
        claim = next_attempt(claim)
    assert found(resume_store_of(claim), CONDITIONS | {"numerics": 3}) == {}
    assert found(resume_store_of(claim), CONDITIONS | {"numerics": 2}) == {0: b"older"}


def test_an_attempt_does_not_fetch_what_it_has_written_itself(
    claim: Claim,
    resume_store_of: Callable[[Claim], JobResumeStore],
    next_attempt: Callable[[Claim], Claim],
    database: Database,
    settings: Settings,
) -> None:
    own = resume_store_of(claim)
    own.begin(Stage.PRUNE, CONDITIONS)
    finish(own, 0, b"zero")
    with database.begin() as session:
        key = session.get_one(JobBlock, (claim.job_id, Stage.PRUNE, 0)).key
    Path(settings.store_url.removeprefix("file://"), key).unlink()
    assert found(own) == {0: b"zero"}
    assert found(own, CONDITIONS | {"threads": 3}) == {}
    assert found(resume_store_of(next_attempt(claim))) == {}


def test_a_worker_that_has_lost_its_lease_stores_nothing(
    claim: Claim,
    resume_store_of: Callable[[Claim], JobResumeStore],
    next_attempt: Callable[[Claim], Claim],
    database: Database,
) -> None:
    stale = resume_store_of(claim)
    stale.begin(Stage.PRUNE, CONDITIONS)
    owner = resume_store_of(next_attempt(claim))
    owner.begin(Stage.PRUNE, CONDITIONS)
    finish(owner, 0, b"the owner's")
    with pytest.raises(LeaseLost):
        finish(stale, 0, b"the stale one's")
    with pytest.raises(LeaseLost):
        finish(stale, 1, b"the stale one's")
    with database.begin() as session:
        (row,) = attempt_files.finished_blocks(session, claim.job_id)
    assert row.attempt == 2
    assert found(owner) == {0: b"the owner's"}


def test_a_job_that_is_being_cancelled_stores_nothing_more(
    claim: Claim, resume_store_of: Callable[[Claim], JobResumeStore], database: Database
) -> None:
    resume_store = resume_store_of(claim)
    resume_store.begin(Stage.PRUNE, CONDITIONS)
    with database.begin() as session:
        assert owner_moves.cancel(session, claim.owner, claim.job_id)
    with pytest.raises(CancelRequested):
        finish(resume_store, 0, b"zero")
    assert found(resume_store_of(claim)) == {}


def test_only_a_newly_finished_block_resets_the_lost_attempts(
    claim: Claim,
    resume_store_of: Callable[[Claim], JobResumeStore],
    next_attempt: Callable[[Claim], Claim],
    database: Database,
) -> None:
    second = next_attempt(claim)
    assert lost_attempts(database, claim.job_id) == 1
    resume_store = resume_store_of(second)
    resume_store.begin(Stage.PRUNE, CONDITIONS)
    finish(resume_store, 0, b"zero")
    assert lost_attempts(database, claim.job_id) == 0
    third = resume_store_of(next_attempt(second))
    third.begin(Stage.PRUNE, CONDITIONS | {"threads": 3})
    finish(third, 0, b"zero, by three threads")
    assert lost_attempts(database, claim.job_id) == 1
    assert found(third) == {}
    assert found(third, CONDITIONS | {"threads": 3}) == {0: b"zero, by three threads"}


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_shard_that_is_not_what_its_row_says_is_computed_again(
    harm: str,
    claim: Claim,
    resume_store_of: Callable[[Claim], JobResumeStore],
    next_attempt: Callable[[Claim], Claim],
    database: Database,
    settings: Settings,
) -> None:
    resume_store = resume_store_of(claim)
    resume_store.begin(Stage.PRUNE, CONDITIONS)
    finish(resume_store, 0, b"zero")
    finish(resume_store, 1, b"one")
    with database.begin() as session:
        key = session.get_one(JobBlock, (claim.job_id, Stage.PRUNE, 0)).key
    stored = Path(settings.store_url.removeprefix("file://")) / key
    if harm == "gone":
        stored.unlink()
    else:
        stored.write_bytes(b"zerO")
    again = resume_store_of(next_attempt(claim))
    assert found(again) == {1: b"one"}
    finish(again, 0, b"zero")
    assert found(again) == {0: b"zero", 1: b"one"}


def test_a_transfer_ends_when_the_job_must_stop(
    claim: Claim, resume_store_of: Callable[[Claim], JobResumeStore], worker: Identity
) -> None:
    resume_store = resume_store_of(claim)
    resume_store.begin(Stage.PRUNE, CONDITIONS)
    finish(resume_store, 0, b"zero")
    worker.request_shutdown()
    with pytest.raises(ShutdownRequested):
        resume_store.begin(Stage.PRUNE, CONDITIONS)
    with pytest.raises(ShutdownRequested):
        finish(resume_store, 1, b"one")


def test_a_checkpoint_is_adopted_from_a_suspended_attempt(tmp_path: Path) -> None:
    job_id = UUID(int=1)
    suspended = tmp_path / str(job_id) / "1" / RESUME_STORE / Stage.PRUNE
    suspended.mkdir(parents=True)
    activation_checkpoint = ActivationCheckpoint(suspended, CONDITIONS)
    activation_checkpoint.save(3, {"hidden": torch.ones(2)})
    with (suspended / "activations.partial").open("wb") as half_written, scratch(tmp_path, job_id, 2) as ours:
        half_written.write(b"more of it")
        half_written.flush()
        taken = ActivationCheckpoint(ours / RESUME_STORE / Stage.PRUNE, CONDITIONS).load()
        assert taken is not None
        assert taken[0] == 3
        with pytest.raises(OSError, match="No such file"):
            (suspended / "activations.partial").replace(suspended / "activations-x.safetensors")
        assert sorted(path.name for path in (tmp_path / str(job_id)).iterdir()) == ["2"]
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_shuts_down_leaves_its_checkpoint_for_the_next_start(
    tmp_path: Path, claim: Claim
) -> None:
    with suppress(ShutdownRequested), scratch(tmp_path, claim.job_id, 1) as directory:
        (directory / RESUME_STORE / Stage.PRUNE).mkdir(parents=True)
        ActivationCheckpoint(directory / RESUME_STORE / Stage.PRUNE, CONDITIONS).save(
            1, {"hidden": torch.ones(2)}
        )
        raise ShutdownRequested
    with scratch(tmp_path, claim.job_id, 2) as directory:
        assert ActivationCheckpoint(directory / RESUME_STORE / Stage.PRUNE, CONDITIONS).load() is not None
