"""Real jobs on one small model, in this process: the second reuses what the first has computed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from safetensors.torch import save_file
from sqlalchemy import select

from jobs import caches
from jobs.database import Database
from jobs.lifecycle import events, lifecycle, owner_moves
from jobs.lifecycle.events import JobError, LogMessage
from jobs.queue import backlog
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.storage.store import Store
from jobs.sweeps import sweeps
from jobs.tables import Artifact, CachedGradients, CachedPerplexity, GradientShard, Job
from pruning.recipe import Stage
from tests.claims import claimed
from worker.attempt.progress import JobProgress
from worker.identity import Identity
from worker.run_job import run_next

Run = Callable[..., Job]


@pytest.fixture
def settings(settings: Settings, small_model: Path, calibration: Path) -> Settings:
    roots = {"model_roots": (small_model.parent,), "data_roots": (calibration.parent,)}
    return settings.model_copy(update=roots)


@pytest.fixture
def spec(small_model: Path, calibration: Path) -> Callable[..., JobSpec]:
    def made(**recipe: object) -> JobSpec:
        return JobSpec.model_validate(
            {
                "recipe": {
                    "model": str(small_model),
                    "method": "gblm",
                    "sparsity": 0.5,
                    "calibration": {"dataset": str(calibration), "samples": 3, "sequence_length": 16},
                    **recipe,
                },
                "evaluation": {"dataset": "builtin", "windows": 1, "sequence_length": 32},
            }
        )

    return made


@pytest.fixture
def submitted(database: Database, spec: Callable[..., JobSpec]) -> Callable[..., UUID]:
    def submit(owner: str = "ada", **recipe: object) -> UUID:
        with database.begin() as session:
            job_id = owner_moves.create(session, owner, spec(**recipe)).id
            backlog.record_needs(session, job_id, None)
            return job_id

    return submit


@pytest.fixture
def run(database: Database, settings: Settings, worker: Identity) -> Run:
    def run(job_id: UUID) -> Job:
        with database.begin() as session:
            backlog.record_needs(session, job_id, None)
        run_next(settings, worker, "task")
        with database.begin() as session:
            return session.get_one(Job, job_id)

    return run


def weights(database: Database, job_id: UUID) -> str:
    with database.begin() as session:
        named = select(Artifact.sha256).where(Artifact.job_id == job_id, Artifact.name == "model.safetensors")
        return session.scalars(named).one()


def messages(database: Database, job_id: UUID) -> list[str]:
    with database.begin() as session:
        recorded = events.events_since(session, job_id, 0)
    return [event.data.message for event in recorded if isinstance(event.data, LogMessage)]


def test_the_second_job_reuses_the_gradients_of_the_first(
    database: Database, submitted: Callable[..., UUID], run: Run
) -> None:
    first, second = run(submitted()), run(submitted())
    assert (first.state, second.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED), first.error
    assert first.report is not None
    assert second.report is not None
    assert (first.report["gradients_reused"], second.report["gradients_reused"]) == (False, True)
    assert weights(database, first.id) == weights(database, second.id)
    assert messages(database, first.id) == []
    assert any("computed before" in message for message in messages(database, second.id))


@pytest.mark.threat
@pytest.mark.parametrize("shared", [False, True])
def test_another_owners_results_are_used_only_where_the_operator_allows_it(
    shared: bool, database: Database, submitted: Callable[..., UUID], settings: Settings, worker: Identity
) -> None:
    reports = []
    for job_id in (submitted(), submitted(owner="eve")):
        run_next(settings.model_copy(update={"share_between_owners": shared}), worker, "task")
        with database.begin() as session:
            reports.append(session.get_one(Job, job_id).report)
    reused = [(found["gradients_reused"], found["dense_perplexity_reused"]) for found in reports if found]
    assert reused == [(False, False), (shared, shared)]


@pytest.mark.threat
def test_a_job_whose_model_is_rewritten_meanwhile_fails_and_shares_nothing(
    database: Database,
    submitted: Callable[..., UUID],
    settings: Settings,
    small_model: Path,
    worker: Identity,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = shutil.copytree(small_model, tmp_path / "model") / "model.safetensors"
    honest, finished = weights.read_bytes(), JobProgress.stage_finished

    def then_rewritten(progress: JobProgress, stage: Stage, seconds: float, peak: int) -> None:
        finished(progress, stage, seconds, peak)
        with weights.open("r+b") as file:
            file.write(honest[:-4000] + bytes(4000) if stage == Stage.RESOLVE else honest)

    monkeypatch.setattr(JobProgress, "stage_finished", then_rewritten)
    job_id = submitted(model=str(weights.parent))
    run_next(settings.model_copy(update={"model_roots": (tmp_path,)}), worker, "task")
    with database.begin() as session:
        job = session.get_one(Job, job_id)
        assert job.state == JobState.FAILED
        assert job.error is not None
        assert (job.error["type"], job.error["field"]) == ("invalid_input", "model.id")
        assert "model.safetensors was changed" in job.error["message"]
        assert session.scalars(select(CachedGradients.ready_at)).all() == [None]
        assert session.scalars(select(GradientShard)).all() == []
        assert session.scalars(select(CachedPerplexity)).all() == []


L2 = {"name": "gblm", "norm": "l2"}


def was_reused(job: Job) -> bool:
    assert job.report is not None, job.error
    return bool(job.report["gradients_reused"])


def test_each_norm_is_shared_by_itself(database: Database, submitted: Callable[..., UUID], run: Run) -> None:
    assert [was_reused(run(submitted(**fields))) for fields in ({}, {"method": L2})] == [False, False]
    both = run(submitted(allocation="gradient"))
    assert was_reused(both)
    assert any("computed before" in message for message in messages(database, both.id))
    with database.begin() as session:
        assert len(session.scalars(select(CachedGradients)).all()) == 2


def test_the_first_job_of_a_sweep_computes_the_norms_of_the_others(
    database: Database, spec: Callable[..., JobSpec], run: Run
) -> None:
    with database.begin() as session:
        sweep = sweeps.create(session, "ada", {}, [spec(), spec(method=L2)], {})
        jobs = [job.id for job in sweeps.jobs_of(session, sweep)]
    first, second = [run(job_id) for job_id in jobs]
    assert [was_reused(job) for job in (first, second)] == [False, True]


def test_the_second_job_does_not_measure_the_dense_model(
    database: Database, submitted: Callable[..., UUID], run: Run
) -> None:
    first, second = run(submitted(method="magnitude")), run(submitted(method="magnitude", sparsity=0.7))
    assert first.report is not None
    assert second.report is not None
    assert [report["dense_perplexity_reused"] for report in (first.report, second.report)] == [False, True]
    assert first.dense_perplexity == second.dense_perplexity
    assert first.pruned_perplexity != second.pruned_perplexity
    assert messages(database, first.id) == []
    assert any("dense model was measured before" in message for message in messages(database, second.id))
    divergences = [report["perplexity"]["kl"] for report in (first.report, second.report)]
    assert 0 < divergences[0] < divergences[1]


def test_a_model_beyond_its_bound_is_measured_no_further_and_only_its_report_is_kept(
    database: Database, spec: Callable[..., JobSpec], run: Run
) -> None:
    """A search submits such jobs."""
    # A random model with a vocabulary of 384 guesses: the first 64 windows, a batch, tell.
    bound = {"gate": {"max_perplexity": 2.0}, "stop_when_missed": True}
    evaluation = {"dataset": "builtin", "windows": 65, "sequence_length": 32}
    asked = spec(method="magnitude").model_dump() | bound | {"evaluation": evaluation}
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", JobSpec.model_validate(asked)).id
    job = run(job_id)
    assert job.report is not None, job.error
    assert (job.gate_state, job.report["perplexity"]["cut_short"]) == ("failed", True)
    with database.begin() as session:
        kept = session.scalars(select(Artifact.name).where(Artifact.job_id == job_id)).all()
    assert kept == ["pruning_report.json"]


@pytest.mark.parametrize("fault", ["lost", "damaged", "too large"])
def test_a_dense_model_without_its_final_states_is_measured_again(
    fault: str,
    database: Database,
    settings: Settings,
    submitted: Callable[..., UUID],
    worker: Identity,
    tmp_path: Path,
) -> None:
    if fault == "too large":
        settings = settings.model_copy(update={"cache_bytes": 1000})
    reports = []
    for number in range(2):
        job_id = submitted(method="magnitude")
        run_next(settings, worker, "task")
        with database.begin() as session:
            reports.append(session.get_one(Job, job_id).report)
            cached = session.scalars(select(CachedPerplexity)).all()
            assert len(cached) == (0 if fault == "too large" else 1)
        if fault == "lost" and not number:
            Store(settings.store_url).delete(str(cached[0].key))
        if fault == "damaged" and not number:
            (tmp_path / "damaged").write_bytes(b"?")
            Store(settings.store_url).put_file(str(cached[0].key), tmp_path / "damaged")
    assert [report["dense_perplexity_reused"] for report in reports if report] == [False, False]
    first, second = (report["perplexity"] for report in reports if report)
    assert first == second


def test_a_shard_that_the_store_has_lost_is_computed_again(
    database: Database, settings: Settings, submitted: Callable[..., UUID], run: Run
) -> None:
    first = run(submitted())
    with database.begin() as session:
        key = session.scalars(select(GradientShard.key).limit(1)).one()
    Store(settings.store_url).delete(key)
    second = run(submitted())
    assert second.report is not None
    assert not second.report["gradients_reused"]
    assert weights(database, first.id) == weights(database, second.id)


def test_a_shard_without_norms_is_computed_again_and_not_announced_as_reused(
    database: Database, settings: Settings, submitted: Callable[..., UUID], run: Run, tmp_path: Path
) -> None:
    first = run(submitted())
    save_file({}, tmp_path / "empty.safetensors")
    with database.begin() as session:
        shard = session.scalars(select(GradientShard).limit(1)).one()
        stored = Store(settings.store_url).put_file(shard.key, tmp_path / "empty.safetensors")
        shard.size, shard.sha256 = stored.size, stored.sha256
    second = run(submitted())
    assert second.report is not None
    assert not second.report["gradients_reused"]
    assert weights(database, first.id) == weights(database, second.id)
    assert not any("computed before" in message for message in messages(database, second.id))


def test_a_job_waits_while_another_computes_them(
    database: Database, submitted: Callable[..., UUID], run: Run
) -> None:
    run(submitted())
    busy = submitted(method="magnitude")
    with database.begin() as session:
        claim = claimed(session, busy, "another", 3000)
        artifact = session.scalars(select(CachedGradients)).one()
        name = artifact.fingerprint
        session.delete(artifact)
        session.flush()
        assert caches.find_gradients(session, claim, [name]) == caches.CachedNorms({}, frozenset({name}))
    waiting = submitted()
    assert run(waiting).state == JobState.QUEUED
    with database.begin() as session:
        assert session.get_one(Job, waiting).blocked_on == busy
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
    ended = run(waiting)
    assert ended.state == JobState.SUCCEEDED
    assert ended.lost_attempts == 0
    assert ended.report is not None
    assert not ended.report["gradients_reused"]
