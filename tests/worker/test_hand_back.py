"""A job of the real library is handed back in the middle, and goes on in another release or elsewhere."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import torch
from sqlalchemy import select

import pruning.models.placement
import pruning.version
from jobs.database import Database
from jobs.lifecycle.events import ChangedCondition, StageRestarted
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.tables import JobBlock
from pruning.recipe import Stage
from pruning.resume.hashed_file import HashedFile
from pruning.version import pruneserve_version
from tests.worker.one_job import Service
from worker.attempt.resume_store import JobResumeStore
from worker.identity import Identity

pytestmark = pytest.mark.slow
BLOCKS = 4


@pytest.fixture
def settings(settings: Settings, small_model: Path) -> Settings:
    return settings.model_copy(update={"model_roots": (small_model.parent,), "device": "cpu"})


@pytest.fixture
def spec(small_model: Path) -> JobSpec:
    calibration = {"dataset": "builtin", "samples": 2, "sequence_length": 32}
    return JobSpec.model_validate(
        {
            "recipe": {
                "model": str(small_model),
                "method": "gblm",
                "sparsity": 0.5,
                "calibration": calibration,
            },
            "evaluation": {"dataset": "builtin", "sequence_length": 32, "windows": 2},
        }
    )


@pytest.fixture
def service(database: Database, settings: Settings, worker: Identity) -> Service:
    """A service whose jobs run the library itself."""
    return Service(database, settings, worker)


@pytest.fixture
def handed_back(service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A job that was handed back after half of its blocks were pruned."""
    commit = JobResumeStore.commit

    def until_the_half(store: JobResumeStore, stage: Stage, block: int, file: HashedFile) -> None:
        commit(store, stage, block, file)
        if (stage, block) == (Stage.PRUNE, BLOCKS // 2 - 1):
            service.worker.request_shutdown()

    with monkeypatch.context() as patched:
        patched.setattr(JobResumeStore, "commit", until_the_half)
        job = service.run(job_id)
    assert (job.state, job.attempt) == (JobState.QUEUED, 1), job.error
    service.worker.shutdown_flag.unlink()
    return job_id


@pytest.fixture
def attempts(service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[UUID], dict[str, list[int]]]:
    """Runs a job to its end, and returns by stage which attempt has computed each block, in their order."""
    found: dict[str, list[int]] = {}

    def of(job_id: UUID) -> dict[str, list[int]]:
        commit = JobResumeStore.commit

        def watched(store: JobResumeStore, *args: object) -> None:
            commit(store, *args)  # type: ignore[arg-type]
            with service.database.begin() as session:  # they are gone after the job has succeeded
                rows = session.scalars(select(JobBlock).order_by(JobBlock.stage, JobBlock.block)).all()
            found.clear()
            for row in rows:
                found.setdefault(row.stage, []).append(row.attempt)

        with monkeypatch.context() as patched:
            patched.setattr(JobResumeStore, "commit", watched)
            job = service.run(job_id)
        assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2), job.error
        return found

    return of


def restarts(service: Service, job_id: UUID) -> list[StageRestarted]:
    return [event.data for event in service.events(job_id) if isinstance(event.data, StageRestarted)]


def test_a_release_with_the_same_numerics_computes_no_block_again(
    handed_back: UUID,
    attempts: Callable[[UUID], dict[str, list[int]]],
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pruning.version, "version", lambda name: "99.0")
    assert pruneserve_version() == "99.0"
    found = attempts(handed_back)
    assert found[Stage.PRUNE] == [1, 1, 2, 2]
    assert set(found.get(Stage.GRADIENTS, [1])) == {1}
    assert restarts(service, handed_back) == []


def test_on_another_device_one_event_says_so_and_why(
    handed_back: UUID,
    attempts: Callable[[UUID], dict[str, list[int]]],
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = pruning.models.placement.describe(torch.device("cpu"))
    monkeypatch.setattr(pruning.models.placement, "describe", lambda *devices: "another processor")
    found = attempts(handed_back)
    assert found[Stage.PRUNE] == [1] * (BLOCKS // 2) + [2] * (BLOCKS // 2)  # which finished each first
    (event,) = restarts(service, handed_back)
    assert event.changes == [ChangedCondition(name="device", before=here, now="another processor")]
    assert Stage.PRUNE in event.stages
    assert event.blocks >= BLOCKS // 2
