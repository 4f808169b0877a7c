"""One job from its claim to its success: its result, its events, and what it leaves."""

import hashlib
import logging
import re
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import text, true, update

import jobs.spec.job
from jobs.fleet import dispatch_queue
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import LogMessage, StateChanged
from jobs.queries import queries
from jobs.spec.job import SPEC_VERSION, JobSpec
from jobs.states import JobState
from jobs.tables import Job
from tests.worker import one_job
from tests.worker.one_job import WEIGHTS, Service, StandInRun
from worker import run_job
from worker.attempt.artifacts import upload_artifacts

pytestmark = pytest.mark.usefixtures("short_waits")


def test_a_job_succeeds_with_its_artifacts(service: Service, library: StandInRun, job_id: UUID) -> None:
    job = service.run(job_id)
    assert (job.state, job.attempt, job.pruned_perplexity) == (JobState.SUCCEEDED, 1, 12.5)
    assert service.artifacts(job_id) == {"model.safetensors": WEIGHTS, "more/config.json": b"{}"}
    assert service.stored() == [
        f"jobs/{job_id}/attempts/1/output/model.safetensors",
        f"jobs/{job_id}/attempts/1/output/more/config.json",
    ]


@pytest.mark.parametrize("served_compressed", [True, False])
def test_what_shrinks_is_kept_compressed_where_the_api_that_took_the_job_serves_it(
    service: Service,
    library: StandInRun,
    job_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
    served_compressed: bool,
) -> None:
    weights = bytes(range(64)) * 5000
    monkeypatch.setattr(one_job, "WEIGHTS", weights)
    with service.database.begin() as session:
        # The API of the release before does not write the column.
        session.execute(update(Job).values(compress=true() if served_compressed else text("DEFAULT")))
    service.run(job_id)
    with service.database.begin() as session:
        rows = {row.name: row for row in queries.artifacts(session, "ada", job_id)}
    model, config = rows["model.safetensors"], rows["more/config.json"]
    assert (model.size, model.sha256) == (len(weights), hashlib.sha256(weights).hexdigest())
    assert config.stored_size is None  # too small to gain anything
    kept = service.artifacts(job_id)["model.safetensors"]
    if served_compressed:
        assert model.stored_size == len(kept) < len(weights)
        assert b"".join(service.store.stream_plain(model.key, len(kept), len(weights))) == weights
    else:
        assert (model.stored_size, kept) == (None, weights)


def test_a_job_that_a_newer_release_has_stored_stays_queued_for_its_workers(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {"version": SPEC_VERSION + 1, "field_of_a_later_release": 1}
    with service.database.begin() as session:
        dispatch_queue.mark_dispatched(session, [job_id])
        job = session.get_one(Job, job_id)
        job.spec, stored = newer, job.spec
    job = service.run(job_id)
    assert (job.state, job.attempt, job.dispatched_at) == (JobState.QUEUED, 0, None)
    assert job.next_try_at is not None
    assert job.next_try_at > job.queued_at  # until then, this worker is sent others
    with service.database.begin() as session:
        session.get_one(Job, job_id).spec = stored | {"version": SPEC_VERSION + 1}
    monkeypatch.setattr(lifecycle, "SPEC_VERSION", SPEC_VERSION + 1)  # a worker of that release
    monkeypatch.setattr(jobs.spec.job, "SPEC_VERSION", SPEC_VERSION + 1)
    job = service.run(job_id)
    assert (job.state, job.attempt, job.next_try_at) == (JobState.SUCCEEDED, 1, None)


def test_after_a_rollback_a_job_that_searches_stays_queued_until_it_is_cancelled(
    service: Service, library: StandInRun, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    searching = spec.recipe.model_dump() | {"allocation": {"name": "search"}}
    newer = JobSpec.model_validate(spec.model_dump() | {"recipe": searching})
    assert newer.version == 3
    with service.database.begin() as session:
        owner_moves.create(session, "ada", spec)
        job_id = owner_moves.create(session, "ada", newer).id
    for module in (lifecycle, jobs.spec.job):  # the release before
        monkeypatch.setattr(module, "SPEC_VERSION", 2)
    job = service.run(job_id)
    assert (job.state, job.attempt, library.calls) == (JobState.QUEUED, 0, [])
    queries = re.findall(r"`(SELECT id [^`]*version[^`]*)`", Path("docs/operations.md").read_text())
    (query,) = (each for each in queries if each.endswith("> 2"))
    with service.database.begin() as session:
        assert session.scalars(text(query)).all() == [job_id]
    service.cancel(job_id)
    assert service.run(job_id).state == JobState.CANCELLED


def test_gradient_norms_are_kept_as_they_are(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of the release before read them."""
    monkeypatch.setattr(one_job, "WEIGHTS", bytes(200_000))
    monkeypatch.setattr(
        run_job, "upload_artifacts", lambda attempt, output, report: upload_artifacts(attempt, output, None)
    )
    service.run(job_id)
    with service.database.begin() as session:
        assert [row.stored_size for row in queries.artifacts(session, "ada", job_id)] == [None, None]


def test_its_events_report_every_stage_including_the_upload(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    service.run(job_id)
    events = [
        (event.kind, event.data.state if isinstance(event.data, StateChanged) else event.data.stage)
        for event in service.events(job_id)
        if not isinstance(event.data, LogMessage)
    ]
    stages = ["stage", "progress", "stage_finished"]
    assert list(dict.fromkeys(events)) == [
        ("state", "queued"),
        ("state", "running"),
        *((kind, "prune") for kind in stages),
        *((kind, "upload") for kind in stages),
        ("state", "succeeded"),
    ]


def test_a_duplicate_message_changes_nothing(
    service: Service, library: StandInRun, job_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    service.run(job_id)
    before = len(service.events(job_id))
    with caplog.at_level(logging.INFO):
        job = service.run(job_id)
    assert f"job {job_id}: nothing to do, it is not queued, or left to another worker" in caplog.messages
    assert (job.state, job.attempt, len(library.calls)) == (JobState.SUCCEEDED, 1, 1)
    assert len(service.events(job_id)) == before


def test_a_message_about_an_unknown_job_changes_nothing(service: Service, library: StandInRun) -> None:
    run_job.run_job(UUID(int=7), service.settings, service.worker)
    assert library.calls == []


@pytest.mark.parametrize("owners", [(), ("ada",)])
def test_the_hub_token_serves_only_owners_that_may_use_it(
    service: Service, library: StandInRun, job_id: UUID, owners: tuple[str, ...]
) -> None:
    service.settings = service.settings.model_copy(
        update={"hub_token": SecretStr("hf_token"), "hub_token_owners": owners}
    )
    service.run(job_id)
    assert library.calls[0].hub_token == ("hf_token" if owners else None)


@pytest.mark.parametrize("how", ["success", "failure", "cancel"])
def test_scratch_space_is_left_clean(service: Service, library: StandInRun, job_id: UUID, how: str) -> None:
    leftover = service.settings.work_dir / str(job_id) / "0"
    leftover.mkdir(parents=True)  # from an attempt that was killed on this machine

    def in_the_middle() -> None:
        assert not leftover.exists()
        if how == "failure":
            raise RuntimeError
        if how == "cancel":
            service.cancel(job_id)

    library.in_the_middle = in_the_middle
    service.run(job_id)
    assert list(service.settings.work_dir.iterdir()) == []
