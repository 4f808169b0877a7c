"""A job from its claim to its end, in this process: a real database and store, a stand-in for the library."""

import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import torch
from pydantic import BaseModel, SecretStr
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

import pruning.run
from jobs import events, lifecycle, queries
from jobs.settings import Settings
from jobs.states import JobState
from jobs.store import Store, StoreRefused, StoreUnreachable
from jobs.tables import Job, JobEvent
from pruning.errors import InvalidInput, NumericalFailure, PruningError, Unreachable
from pruning.progress import Progress
from pruning.recipe import Stage
from worker import patience, run_job, transfers
from worker.identity import Identity

Database = sessionmaker[Session]

WEIGHTS = b"pruned weights"


class StandInPerplexity(BaseModel):
    dense: float = 10.0
    pruned: float = 12.5


class StandInReport(BaseModel):
    perplexity: StandInPerplexity = StandInPerplexity()


class StandInRun:
    """In the place of the library: writes two files, and does in the middle what a test asks for."""

    def __init__(self) -> None:
        self.calls: list[dict[str, object]] = []
        self.in_the_middle: Callable[[], None] = lambda: None

    def __call__(self, *recipe: object, output: Path, progress: Progress, **more: object) -> StandInReport:
        self.calls.append(more)
        progress.stage_started(Stage.PRUNE, 4)
        progress.step_finished(Stage.PRUNE, 1, 4)
        self.in_the_middle()
        progress.step_finished(Stage.PRUNE, 4, 4)
        progress.stage_finished(Stage.PRUNE, 0.5, 1000)
        (output / "more").mkdir(parents=True)
        (output / "model.safetensors").write_bytes(WEIGHTS)
        (output / "more" / "config.json").write_text("{}")
        return StandInReport()


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> StandInRun:
    stand_in = StandInRun()
    monkeypatch.setattr(pruning.run, "run", stand_in)
    return stand_in


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(patience, "_LONGEST_PAUSE", 0.02)


class Service:
    """What the tests do to a job, and what they see of it."""

    def __init__(self, database: Database, settings: Settings, worker: Identity) -> None:
        self.database = database
        self.settings = settings
        self.worker = worker

    def run(self, job_id: UUID) -> Job:
        run_job.run_job(job_id, self.settings, self.worker)
        with self.database.begin() as session:
            return session.get_one(Job, job_id)

    def cancel(self, job_id: UUID) -> None:
        with self.database.begin() as session:
            lifecycle.cancel(session, "ada", job_id)

    def take_away(self, job_id: UUID) -> None:
        with self.database.begin() as session:
            token = session.get_one(Job, job_id).lease_token
            assert token is not None
            lifecycle.give_up_lost(session, job_id, token, "its lease ran out", 3)

    def artifacts(self, job_id: UUID) -> dict[str, bytes]:
        with self.database.begin() as session:
            rows = queries.artifacts(session, "ada", job_id)
        return {row.name: b"".join(self.store.stream(row.key)) for row in rows}

    def events(self, job_id: UUID) -> list[JobEvent]:
        with self.database.begin() as session:
            return list(events.since(session, job_id, 0))

    @property
    def store(self) -> Store:
        return Store(self.settings.store_url)

    def stored(self) -> list[str]:
        return sorted(found.key for found in self.store.list("jobs"))


@pytest.fixture
def service(database: Database, settings: Settings, worker: Identity) -> Service:
    return Service(database, settings, worker)


@pytest.fixture
def job_id(submit: Callable[[], UUID]) -> UUID:
    return submit()


def test_a_job_succeeds_with_its_artifacts(service: Service, library: StandInRun, job_id: UUID) -> None:
    job = service.run(job_id)
    assert (job.state, job.attempt, job.pruned_perplexity) == (JobState.SUCCEEDED, 1, 12.5)
    assert service.artifacts(job_id) == {"model.safetensors": WEIGHTS, "more/config.json": b"{}"}
    assert service.stored() == [
        f"jobs/{job_id}/attempts/1/output/model.safetensors",
        f"jobs/{job_id}/attempts/1/output/more/config.json",
    ]


def test_its_events_tell_every_stage_to_the_upload(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    service.run(job_id)
    told = [
        (event.kind, event.data.get("stage") or event.data.get("state")) for event in service.events(job_id)
    ]
    stages = ["stage", "progress", "stage_finished"]
    assert [event for event in dict.fromkeys(told) if event[0] != "log"] == [
        ("state", "queued"),
        ("state", "running"),
        *((kind, "prune") for kind in stages),
        *((kind, "upload") for kind in stages),
        ("state", "succeeded"),
    ]


def test_a_doubled_message_changes_nothing(service: Service, library: StandInRun, job_id: UUID) -> None:
    service.run(job_id)
    before = len(service.events(job_id))
    job = service.run(job_id)
    assert (job.state, job.attempt, len(library.calls)) == (JobState.SUCCEEDED, 1, 1)
    assert len(service.events(job_id)) == before


def test_a_message_about_nothing_changes_nothing(service: Service, library: StandInRun) -> None:
    run_job.run_job(UUID(int=7), service.settings, service.worker)
    assert library.calls == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput("the pattern does not fit; choose another", field="pattern"), "invalid_input"),
        (NumericalFailure("layer 3 is not finite"), "numerical_failure"),
        (PruningError("the disk is too small; make room", field="output"), "impossible"),
        (StoreRefused("the store refuses"), "store"),
    ],
)
def test_what_cannot_work_fails_with_its_own_message(
    service: Service, library: StandInRun, job_id: UUID, error: Exception, kind: str
) -> None:
    def fail() -> None:
        raise error

    library.in_the_middle = fail
    job = service.run(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert (job.error["type"], job.error["message"]) == (kind, str(error))
    assert job.error.get("field") == getattr(error, "field", None)
    assert (service.artifacts(job_id), service.stored()) == ({}, [])


def test_an_unexpected_error_is_told_without_its_text_and_logged_with_it(
    service: Service, library: StandInRun, job_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("cannot open /secret/path?token=abc")

    library.in_the_middle = fail
    with caplog.at_level(logging.WARNING):
        job = service.run(job_id)
    assert job.error is not None
    assert job.error["type"] == "internal"
    assert "secret" not in str(job.error)
    assert str(job_id) in job.error["message"]
    assert "/secret/path" in caplog.text


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_too_little_memory_is_told_with_what_helps(
    service: Service, library: StandInRun, job_id: UUID, error: Exception
) -> None:
    def fail() -> None:
        raise error

    library.in_the_middle = fail
    job = service.run(job_id)
    assert job.error is not None
    assert job.error["type"] == "out_of_memory"
    assert "sequence_length" in job.error["message"]


def test_a_device_that_was_full_for_a_moment_is_tried_once_more(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    def full_once() -> None:
        if len(library.calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")

    library.in_the_middle = full_once
    job = service.run(job_id)
    assert (job.state, job.attempt, len(library.calls)) == (JobState.SUCCEEDED, 1, 2)


def test_a_job_that_the_disk_has_no_room_for_is_told_the_numbers(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    service.settings = service.settings.model_copy(update={"min_free_disk_bytes": 2**60})
    job = service.run(job_id)
    assert job.error is not None
    assert (job.state, job.error["type"], library.calls) == (JobState.FAILED, "disk_full", [])
    assert str(2**60) in job.error["message"]


def test_a_disk_that_runs_full_in_the_middle_is_told_with_numbers_too(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    def write() -> None:
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"bytes")

    library.in_the_middle = write
    job = service.run(job_id)
    assert job.error is not None
    assert job.error["type"] == "disk_full"
    assert "bytes free" in job.error["message"]


def test_a_spec_of_another_version_fails_and_is_not_tried_for_ever(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    with service.database.begin() as session:
        session.execute(update(Job).values(spec={"recipe": {"model": "org/name", "method": "forgotten"}}))
    job = service.run(job_id)
    assert (job.state, library.calls) == (JobState.FAILED, [])
    assert job.error is not None
    assert job.error["type"] == "invalid_input"
    assert "submit it again" in job.error["message"]


def test_a_cancel_stops_it_between_two_steps(service: Service, library: StandInRun, job_id: UUID) -> None:
    library.in_the_middle = lambda: service.cancel(job_id)
    job = service.run(job_id)
    assert job.state == JobState.CANCELLED
    assert service.artifacts(job_id) == {}
    assert "stage_finished" not in [event.kind for event in service.events(job_id)]


def test_a_cancel_during_the_upload_leaves_no_artifact(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = Store.put_file

    def put_file_and_cancel(self: Store, key: str, path: Path, **options: object) -> object:
        stored = put_file(self, key, path, **options)
        service.cancel(job_id)
        return stored

    monkeypatch.setattr(Store, "put_file", put_file_and_cancel)
    assert service.run(job_id).state == JobState.CANCELLED
    assert (service.artifacts(job_id), service.stored()) == ({}, [])


def test_a_cancel_just_before_the_end_wins(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed = lifecycle.succeed

    def cancel_then_succeed(session: Session, *result: object) -> bool:
        service.cancel(job_id)
        return succeed(session, *result)

    monkeypatch.setattr(lifecycle, "succeed", cancel_then_succeed)
    assert service.run(job_id).state == JobState.CANCELLED
    assert (service.artifacts(job_id), service.stored()) == ({}, [])


def test_a_worker_that_loses_the_job_stops_and_leaves_it_alone(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    library.in_the_middle = lambda: service.take_away(job_id)
    job = service.run(job_id)
    assert (job.state, job.attempt, job.losses) == (JobState.QUEUED, 1, 1)
    assert [event.data.get("state") for event in service.events(job_id)][-1] == "queued"
    assert (service.artifacts(job_id), service.stored()) == ({}, [])


def test_a_shutdown_hands_the_job_back_for_another_worker(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    library.in_the_middle = service.worker.stop
    job = service.run(job_id)
    assert (job.state, job.losses, job.dispatched_at) == (JobState.QUEUED, 0, None)

    library.in_the_middle = lambda: None
    service.worker.stop_flag.unlink()
    job = service.run(job_id)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2)
    assert list(service.artifacts(job_id)) == ["model.safetensors", "more/config.json"]


def test_a_sigterm_to_the_child_hands_the_job_back_too(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    library.in_the_middle = lambda: os.kill(os.getpid(), signal.SIGTERM)
    assert service.run(job_id).state == JobState.QUEUED
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_worker_that_is_shutting_down_takes_nothing(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    service.worker.stop()
    job = service.run(job_id)
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)


def test_a_database_that_drops_its_connections_costs_nothing(
    service: Service, library: StandInRun, job_id: UUID, cut_connections: Callable[[], None]
) -> None:
    library.in_the_middle = cut_connections
    assert service.run(job_id).state == JobState.SUCCEEDED


def test_a_success_whose_answer_was_lost_keeps_its_files(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed = lifecycle.succeed

    def commit_and_lose_the_answer(session: Session, *result: object) -> bool:
        succeed(session, *result)
        session.commit()
        raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(lifecycle, "succeed", commit_and_lose_the_answer)
    job = service.run(job_id)
    assert job.state == JobState.SUCCEEDED
    assert service.artifacts(job_id) == {"model.safetensors": WEIGHTS, "more/config.json": b"{}"}


def test_a_hub_that_does_not_answer_is_waited_for(
    service: Service, library: StandInRun, job_id: UUID
) -> None:
    def away_once() -> None:
        if len(library.calls) == 1:
            raise Unreachable("the Hub does not answer; try again later")

    library.in_the_middle = away_once
    job = service.run(job_id)
    assert (job.state, job.attempt, len(library.calls)) == (JobState.SUCCEEDED, 1, 2)


def test_a_hub_that_never_answers_fails_the_job(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise Unreachable("the Hub does not answer; try again later")

    library.in_the_middle = away
    monkeypatch.setattr(run_job, "_HUB_PATIENCE_SECONDS", 0.0)
    job = service.run(job_id)
    assert job.error == {"type": "unreachable", "message": "the Hub does not answer; try again later"}


def test_a_store_that_is_away_is_waited_for(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file, tries = Store.put_file, []

    def put_file_at_the_third_try(self: Store, key: str, path: Path, **options: object) -> object:
        tries.append(key)
        if len(tries) % 3:
            raise StoreUnreachable("the store did not answer")
        return put_file(self, key, path, **options)

    monkeypatch.setattr(Store, "put_file", put_file_at_the_third_try)
    assert service.run(job_id).state == JobState.SUCCEEDED
    assert len(tries) == 6


def test_a_store_that_stays_away_fails_the_job(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*anything: object, **options: object) -> object:
        raise StoreUnreachable("the store did not answer")

    monkeypatch.setattr(Store, "put_file", away)
    monkeypatch.setattr(transfers, "_STORE_PATIENCE_SECONDS", 0.0)
    assert service.run(job_id).error == {"type": "store", "message": "the store did not answer"}


@pytest.mark.parametrize("owners", [(), ("ada",)])
def test_the_hub_token_serves_only_owners_that_may_use_it(
    service: Service, library: StandInRun, job_id: UUID, owners: tuple[str, ...]
) -> None:
    service.settings = service.settings.model_copy(
        update={"hub_token": SecretStr("hf_token"), "hub_token_owners": owners}
    )
    service.run(job_id)
    assert library.calls[0]["hub_token"] == ("hf_token" if owners else None)


@pytest.mark.parametrize("how", ["success", "failure", "cancel"])
def test_scratch_space_is_left_clean(service: Service, library: StandInRun, job_id: UUID, how: str) -> None:
    leftover = service.settings.work_dir / str(job_id) / "0"
    leftover.mkdir(parents=True)  # of an attempt that was killed on this machine

    def in_the_middle() -> None:
        assert not leftover.exists()
        if how == "failure":
            raise RuntimeError
        if how == "cancel":
            service.cancel(job_id)

    library.in_the_middle = in_the_middle
    service.run(job_id)
    assert list(service.settings.work_dir.iterdir()) == []
