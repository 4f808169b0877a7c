"""A running job that is cancelled, taken away or handed back, or whose servers fail for a while."""

import errno
import logging
import os
import signal
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from jobs import limits
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import StateChanged
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import conditions
from jobs.states import JobState
from jobs.storage.errors import StoreDenied, StoreUnreachable
from jobs.storage.store import Store
from jobs.tables import Job, JobAttempt, Worker
from pruning.errors import Unreachable
from tests.claims import take
from tests.worker.one_job import WEIGHTS, Service, last_reason
from worker import identity, run_job
from worker.attempt import attempt
from worker.identity import HeldClaim

pytestmark = pytest.mark.usefixtures("short_waits")


def test_a_cancel_stops_the_job_between_two_steps(service: Service, job_id: UUID) -> None:
    service.library.in_the_middle = lambda: service.cancel(job_id)
    job = service.run(job_id)
    assert job.state == JobState.CANCELLED
    assert service.artifacts(job_id) == {}
    assert "stage_finished" not in [event.kind for event in service.events(job_id)]


def test_a_cancel_during_the_upload_leaves_no_artifact(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file = Store.put_file

    def put_file_and_cancel(self: Store, key: str, path: Path, **options: object) -> object:
        stored = put_file(self, key, path, **options)
        service.cancel(job_id)
        return stored

    monkeypatch.setattr(Store, "put_file", put_file_and_cancel)
    assert service.run(job_id).state == JobState.CANCELLED
    assert (service.artifacts(job_id), service.stored()) == ({}, [])


def test_a_cancel_just_before_success_wins(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed = lifecycle.succeed

    def cancel_then_succeed(session: Session, *result: object) -> bool:
        service.cancel(job_id)
        return succeed(session, *result)

    monkeypatch.setattr(lifecycle, "succeed", cancel_then_succeed)
    assert service.run(job_id).state == JobState.CANCELLED
    assert (service.artifacts(job_id), service.stored()) == ({}, [])


def test_a_worker_that_has_lost_its_lease_stops_and_leaves_the_job_alone(
    service: Service, job_id: UUID
) -> None:
    service.library.in_the_middle = lambda: service.take_away(job_id)
    job = service.run(job_id)
    assert (job.state, job.attempt, job.lost_attempts) == (JobState.QUEUED, 1, 1)
    assert service.events(job_id)[-1].data == StateChanged(
        state=JobState.QUEUED, attempt=1, reason="its lease ran out"
    )
    assert (service.artifacts(job_id), service.stored()) == ({}, [])


def test_a_shutdown_hands_the_job_back_for_another_worker(service: Service, job_id: UUID) -> None:
    service.library.in_the_middle = service.worker.request_shutdown
    job = service.run(job_id)
    assert (job.state, job.lost_attempts) == (JobState.QUEUED, 0)
    assert service.events(job_id)[-1].data == StateChanged(
        state=JobState.QUEUED, attempt=1, reason="the worker is shutting down"
    )

    service.library.in_the_middle = lambda: None
    service.worker.shutdown_flag.unlink()
    job = service.run(job_id)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2)
    assert list(service.artifacts(job_id)) == ["model.safetensors", "more/config.json"]


def test_a_sigterm_to_the_child_hands_the_job_back_too(service: Service, job_id: UUID) -> None:
    before = signal.getsignal(signal.SIGTERM)
    service.library.in_the_middle = lambda: os.kill(os.getpid(), signal.SIGTERM)
    assert service.run(job_id).state == JobState.QUEUED
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_worker_that_is_shutting_down_claims_nothing_and_logs_why(
    service: Service, job_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    service.worker.request_shutdown()
    with caplog.at_level(logging.INFO):
        job = service.run(job_id)
    assert (job.state, job.attempt) == (JobState.QUEUED, 0)
    assert "no job is claimed, the worker is shutting down" in caplog.messages


def test_dropped_database_connections_are_replaced(
    service: Service, job_id: UUID, cut_connections: Callable[[], None]
) -> None:
    service.library.in_the_middle = cut_connections
    assert service.run(job_id).state == JobState.SUCCEEDED


def lose_the_first_response(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> None:
    """Lose the answer to the COMMIT of the first transaction in which a function is called."""
    act, calls = getattr(module, name), count()

    def lose(session: Session) -> None:
        raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    def act_and_lose_the_response(session: Session, *arguments: object) -> object:
        if not next(calls):
            event.listen(session, "after_commit", lose, once=True)
        return act(session, *arguments)

    monkeypatch.setattr(module, name, act_and_lose_the_response)


def test_a_success_whose_commit_response_was_lost_keeps_its_files(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_first_response(monkeypatch, lifecycle, "succeed")
    job = service.run(job_id)
    assert job.state == JobState.SUCCEEDED
    assert service.artifacts(job_id) == {"model.safetensors": WEIGHTS, "more/config.json": b"{}"}


def test_a_fault_whose_commit_response_was_lost_counts_once(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError(errno.EIO, "x")

    service.library.in_the_middle = fail
    monkeypatch.setattr(limits, "HEARTBEAT_SECONDS", 3600.0)  # or one may notice first that the lease is gone
    lose_the_first_response(monkeypatch, run_job, "_requeue")
    assert service.run(job_id).state == JobState.QUEUED
    with service.database.begin() as session:
        assert session.get_one(Worker, service.worker.name).faults == 1


def test_a_claim_whose_commit_response_was_lost_holds_no_job(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_first_response(monkeypatch, attempt, "claim_next")
    job = service.run(job_id)
    assert (job.state, job.lost_attempts) == (JobState.SUCCEEDED, 0)
    with service.database.begin() as session:
        outcomes = session.scalars(select(JobAttempt.outcome).order_by(JobAttempt.attempt)).all()
    assert outcomes == ["handed_back", "succeeded"]


@pytest.mark.parametrize("timeout", [0.0, 60.0], ids=["it raises", "another worker takes the job"])
def test_a_claim_whose_commit_failed_leaves_no_record(
    service: Service, job_id: UUID, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the watchdog would kill the child in its next job, for a lease that has long ended."""
    monkeypatch.setattr(attempt, "_CLAIM_TIMEOUT_SECONDS", timeout)
    claim_next, recorded = attempt.claim_next, list[HeldClaim]()

    def records() -> list[HeldClaim]:
        return identity.held_claims(service.worker.claims_directory)

    def fail(session: Session) -> None:
        recorded.extend(records())
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    def claim_and_fail(session: Session, *arguments: Any) -> Claim | None:
        if recorded:
            take(service.database, job_id)
        else:
            event.listen(session, "before_commit", fail, once=True)
        return claim_next(session, *arguments)

    monkeypatch.setattr(attempt, "claim_next", claim_and_fail)
    with pytest.raises(OperationalError) if timeout == 0 else nullcontext():
        service.run(job_id)
    assert ([held.job_id for held in recorded], service.library.calls) == ([job_id], [])
    assert records() == []


def unreachable(job: Job, tries: int) -> None:
    """Let the Hub not have answered so many tries."""
    since = job.outage_of("hub").since
    assert since is not None
    job.outage = (job.outage or {}) | {"hub": {"since": since.isoformat(), "tries": tries}}


def unavailable() -> None:
    raise Unreachable("the Hub does not answer") from ConnectionRefusedError()


def put_back_four_times(service: Service, job_id: UUID, awaited: str) -> Job:
    """Run the job, which waits for something each time, once more than it may lose an attempt."""
    for _ in range(4):
        with service.database.begin() as session:  # its self-test passes
            conditions.release(session, service.worker.name)
        job = service.run(job_id)
        assert (job.state, job.lost_attempts, job.error) == (JobState.QUEUED, 0, None)
    assert job.next_try_at is not None
    next_try = job.next_try_at.astimezone(UTC)
    said = f"waiting for {awaited}, next try at {next_try:%H:%M:%S} UTC: {job.waiting_for}"
    assert last_reason(service, job_id) == said
    return job


def test_a_hub_outage_returns_the_job_to_the_queue_and_loses_no_attempt(
    service: Service, job_id: UUID
) -> None:
    service.library.in_the_middle = unavailable
    job = put_back_four_times(service, job_id, "the Hub")
    assert (job.waiting_for, job.outage_of("hub")[1]) == ("the Hub does not answer", 4)
    service.library.in_the_middle = lambda: None
    job = service.run(job_id)
    assert (job.state, job.attempt, job.next_try_at) == (JobState.SUCCEEDED, 5, None)


@pytest.mark.parametrize("tries", [0, 15], ids=["no patience", "patience is over"])
def test_a_job_waits_for_the_hub_for_a_limited_time(
    service: Service, job_id: UUID, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.library.in_the_middle = unavailable
    monkeypatch.setattr(run_job, "_OUTAGE_TIMEOUT_SECONDS", 3600.0 if tries else 0.0)
    if tries:
        assert service.run(job_id).state == JobState.QUEUED
        with service.database.begin() as session:
            unreachable(session.get_one(Job, job_id), tries)
    job = service.run(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert (job.error["type"], job.error["cause"]) == ("unreachable", "outside")
    assert job.error["message"].startswith("the Hub does not answer; try again later")
    assert ("16 tries since" in job.error["message"]) == bool(tries)


def test_a_failure_that_is_no_network_error_is_retried_for_five_minutes(
    service: Service, job_id: UUID
) -> None:
    def broken() -> None:
        raise Unreachable("the task could not be loaded") from KeyError("split")

    service.library.in_the_middle = broken
    assert service.run(job_id).state == JobState.QUEUED
    with service.database.begin() as session:
        unreachable(session.get_one(Job, job_id), 4)
    assert service.run(job_id).state == JobState.FAILED


@pytest.mark.parametrize("error", [StoreUnreachable, StoreDenied])
def test_an_unavailable_store_is_retried(
    service: Service, job_id: UUID, error: type[StoreUnreachable], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_file, calls = Store.put_file, []

    def put_file_at_every_third_call(self: Store, key: str, path: Path, **options: object) -> object:
        calls.append(key)
        if len(calls) % 3:
            raise error("for the test")
        return put_file(self, key, path, **options)

    monkeypatch.setattr(Store, "put_file", put_file_at_every_third_call)
    assert service.run(job_id).state == JobState.SUCCEEDED
    assert len(calls) == 6


@pytest.mark.parametrize("is_over", [True, False], ids=["over", "longer than the patience"])
def test_an_outage_of_the_store_returns_the_job_to_the_queue_and_loses_no_attempt(
    service: Service, job_id: UUID, is_over: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Path(service.settings.store_url.removeprefix("file://"))
    away = store.with_name("away")
    service.library.in_the_middle = lambda: store.rename(away) if store.exists() else None
    monkeypatch.setattr(attempt, "_STORE_TIMEOUT_SECONDS", 0.0)
    job = put_back_four_times(service, job_id, "the store")
    assert (job.awaited, job.outage_of("store")[1], job.outage_of("hub")[1]) == ("store", 4, 0)
    with service.database.begin() as session:
        assert session.get_one(Worker, service.worker.name).faults == 0
        conditions.release(session, service.worker.name)
    if is_over:
        service.library.in_the_middle = lambda: None
        away.rename(store)
        assert service.run(job_id).state == JobState.SUCCEEDED
        return
    monkeypatch.setattr(run_job, "_OUTAGE_TIMEOUT_SECONDS", 0.0)
    job = service.run(job_id)
    assert job.error is not None
    assert (job.error["type"], job.error["cause"]) == ("store", "outside")
    assert f"{job.waiting_for}; " in job.error["message"]
    assert " (5 tries since " in job.error["message"]
