"""One job from its claim to its success: its result, its events, and what it leaves."""

import hashlib
import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from jobs import queries
from jobs.lifecycle.events import LogMessage, StateChanged
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.states import JobState
from tests.worker import one_job
from tests.worker.one_job import WEIGHTS, Service
from worker import identity, run_job
from worker.attempt.attempt import Attempt
from worker.attempt.transfers import upload_artifacts
from worker.identity import HeldClaim

pytestmark = pytest.mark.usefixtures("short_waits")


def test_a_job_succeeds_with_its_artifacts(service: Service, job_id: UUID) -> None:
    job = service.run(job_id)
    assert (job.state, job.attempt, job.pruned_perplexity) == (JobState.SUCCEEDED, 1, 12.5)
    assert service.artifacts(job_id) == {"model.safetensors": WEIGHTS, "more/config.json": b"{}"}
    assert service.stored() == [
        f"jobs/{job_id}/attempts/1/output/model.safetensors",
        f"jobs/{job_id}/attempts/1/output/more/config.json",
    ]


def test_what_shrinks_is_kept_compressed(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = bytes(range(64)) * 5000
    monkeypatch.setattr(one_job, "WEIGHTS", weights)
    service.run(job_id)
    with service.database.begin() as session:
        rows = {row.name: row for row in queries.artifacts(session, "ada", job_id)}
    model, config = rows["model.safetensors"], rows["more/config.json"]
    assert (model.size, model.sha256) == (len(weights), hashlib.sha256(weights).hexdigest())
    assert config.stored_size is None  # too small to gain anything
    kept = service.artifacts(job_id)["model.safetensors"]
    assert model.stored_size == len(kept) < len(weights)
    assert b"".join(service.store.stream_plain(model.key, len(weights))) == weights


@pytest.mark.threat
def test_a_link_in_the_output_is_not_followed(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"the operator's")

    def with_a_link(
        attempt: Attempt, output: Path, report: dict[str, Any] | None, **how: bool
    ) -> list[FinishedArtifact]:
        (output / "model.gguf").symlink_to(secret)
        return upload_artifacts(attempt, output, report, **how)

    monkeypatch.setattr(run_job, "upload_artifacts", with_a_link)
    service.run(job_id)
    assert set(service.artifacts(job_id)) == {"model.safetensors", "more/config.json"}


def test_gradient_norms_are_kept_as_they_are(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers read them from the store as they are."""
    monkeypatch.setattr(one_job, "WEIGHTS", bytes(200_000))
    monkeypatch.setattr(
        run_job,
        "upload_artifacts",
        lambda attempt, output, report, **_: upload_artifacts(attempt, output, None),
    )
    service.run(job_id)
    with service.database.begin() as session:
        assert [row.stored_size for row in queries.artifacts(session, "ada", job_id)] == [None, None]


def test_its_events_report_every_stage_including_the_upload(service: Service, job_id: UUID) -> None:
    service.run(job_id)
    events = [
        (event.kind, event.data.state if isinstance(event.data, StateChanged) else event.data.stage)
        for event in service.events(job_id)
        if not isinstance(event.data, LogMessage)
    ]
    stages = ["stage_started", "progress", "stage_finished"]
    assert list(dict.fromkeys(events)) == [
        ("state", "queued"),
        ("state", "running"),
        *((kind, "prune") for kind in stages),
        *((kind, "upload") for kind in stages),
        ("state", "succeeded"),
    ]


def test_a_duplicate_message_changes_nothing(
    service: Service, job_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    service.run(job_id)
    before = len(service.events(job_id))
    with caplog.at_level(logging.INFO):
        job = service.run(job_id)
    assert "there is no job for this worker" in caplog.messages
    assert (job.state, job.attempt, len(service.library.calls)) == (JobState.SUCCEEDED, 1, 1)
    assert len(service.events(job_id)) == before


def test_while_a_job_runs_a_file_says_what_the_worker_holds(service: Service, job_id: UUID) -> None:
    held: list[HeldClaim] = []
    service.library.in_the_middle = lambda: held.extend(identity.held_claims(service.worker.claims_directory))
    service.run(job_id)
    assert [(each.job_id, each.attempt) for each in held] == [(job_id, 1)]
    assert identity.held_claims(service.worker.claims_directory) == []


@pytest.mark.parametrize(("owners", "token"), [((), None), (("eve",), None), (("ada", "eve"), "hf_token")])
def test_the_hub_token_serves_only_owners_that_may_use_it(
    service: Service, job_id: UUID, owners: tuple[str, ...], token: str | None
) -> None:
    service.settings = service.settings.model_copy(
        update={"hub_token": SecretStr("hf_token"), "hub_token_owners": owners}
    )
    service.run(job_id)
    assert service.library.calls[0].hub_token == token


@pytest.mark.parametrize("how", ["success", "failure", "cancel"])
def test_scratch_space_is_left_clean(service: Service, job_id: UUID, how: str) -> None:
    leftover = service.settings.work_dir / str(job_id) / "0"
    leftover.mkdir(parents=True)  # from an attempt that was killed on this machine

    def in_the_middle() -> None:
        assert not leftover.exists()
        if how == "failure":
            raise RuntimeError
        if how == "cancel":
            service.cancel(job_id)

    service.library.in_the_middle = in_the_middle
    service.run(job_id)
    assert list(service.settings.work_dir.iterdir()) == []


@pytest.mark.threat
def test_an_attempt_begins_anew_where_a_restored_database_reuses_its_number(
    service: Service, job_id: UUID
) -> None:
    """A worker that shut down has left it, after the backup was made."""
    leftover = service.settings.work_dir / str(job_id) / "1" / "output"
    leftover.mkdir(parents=True)

    def in_the_middle() -> None:
        assert not leftover.exists()

    service.library.in_the_middle = in_the_middle
    assert service.run(job_id).state == JobState.SUCCEEDED
