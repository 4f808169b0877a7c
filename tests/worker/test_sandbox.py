"""A job whose files break what reads them fails once, with an error of the request; the worker goes on."""

import json
import resource
import shutil
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from jobs import limits
from jobs.database import Database
from jobs.lifecycle import owner_moves
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import Cause, JobState
from jobs.tables import Worker
from pruning.runtime.process_memory import host_memory
from pruning.sandbox.confine import SandboxLimits
from tests.worker.one_job import Service
from worker.identity import Identity
from worker.run_job import sandbox
from worker.tasks import allow_many_open_files

_MILLIONS = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000_000}
BOMB = {"type": "Sequence", "normalizers": [_MILLIONS, _MILLIONS]}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"model_roots": (tmp_path / "models",), "job_memory_bytes": 2**28})


@pytest.fixture
def model(small_model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_model, tmp_path / "models" / "small")


def submit(database: Database, model: Path) -> UUID:
    recipe = {"model": str(model), "method": "magnitude", "sparsity": 0.5}
    evaluation = {"dataset": "builtin", "sequence_length": 32, "windows": 2}
    with database.begin() as session:
        spec = JobSpec.model_validate({"recipe": recipe, "evaluation": evaluation})
        return owner_moves.create(session, "ada", spec).id


@pytest.mark.threat
@pytest.mark.slow
def test_a_tokenizer_that_ends_its_process_fails_the_job_and_not_the_worker(
    database: Database, settings: Settings, worker: Identity, model: Path
) -> None:
    service = Service(database, settings, worker)
    honest = (model / "tokenizer.json").read_text()
    (model / "tokenizer.json").write_text(json.dumps({**json.loads(honest), "normalizer": BOMB}))
    failed = service.run(submit(database, model))
    assert (failed.state, failed.attempt, failed.lost_attempts) == (JobState.FAILED, 1, 0)
    assert failed.error is not None
    assert (failed.error["type"], failed.error["field"]) == ("invalid_input", "model.id")
    assert failed.error["cause"] == Cause.REQUEST
    assert "it ends the process that reads it (SIGABRT)" in failed.error["message"]
    with database.begin() as session:
        assert sum(worker.faults for worker in session.scalars(select(Worker))) == 0

    (model / "tokenizer.json").write_text(honest)
    succeeded = service.run(submit(database, model))
    assert succeeded.state == JobState.SUCCEEDED, succeeded.error
    assert list(settings.work_dir.iterdir()) == []


def test_a_child_may_open_as_many_files_as_the_system_allows() -> None:
    before, hard = limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before, 1024), hard))
    try:
        allow_many_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(hard, 65536), hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_its_limits_are_those_that_the_job_allows(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sandbox(settings, tmp_path).limits.memory_bytes == 2**28
    assert sandbox(settings, tmp_path).job_memory_bytes == 2**28
    monkeypatch.setattr(limits, "STALL_SECONDS", 10.0)
    found = sandbox(settings.model_copy(update={"job_memory_bytes": None}), tmp_path).limits
    assert found.memory_bytes == min(SandboxLimits().memory_bytes, int(0.9 * host_memory()))
    assert found.cpu_seconds < found.wall_seconds < limits.STALL_SECONDS


def test_the_operator_can_demand_all_layers(settings: Settings, tmp_path: Path) -> None:
    assert not sandbox(settings, tmp_path).all_layers
    assert sandbox(settings.model_copy(update={"sandbox": "require"}), tmp_path).all_layers
