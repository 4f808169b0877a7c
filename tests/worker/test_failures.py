"""How a job fails, returns to the queue or goes to another worker, by whose fault it is."""

import errno
import gc
import logging
import weakref
from uuid import UUID

import httpx
import pytest
import torch
from sqlalchemy import select, update
from tokenizers import Tokenizer

from jobs.queue import workers
from jobs.queue.resources import Capacity, queue_name
from jobs.states import JobState
from jobs.storage.errors import StoreRefused
from jobs.tables import Job, Worker
from pruning.errors import InvalidInput, NumericalFailure, PruningError, Unreachable
from pruning.estimate import BlockShape, Matrix, ModelShape
from tests.worker.one_job import Service, StandInReport, last_reason
from worker import run_job
from worker.attempt import error_report

pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput("the pattern does not fit; choose another", field="pattern"), "invalid_input"),
        (NumericalFailure("layer 3 is not finite"), "numerical_failure"),
        (PruningError("the disk is too small; make room", field="output"), "impossible"),
        (StoreRefused("the store refuses"), "store"),
    ],
)
def test_an_error_for_users_fails_the_job_with_its_message(
    service: Service, job_id: UUID, error: Exception, kind: str
) -> None:
    def fail() -> None:
        raise error

    service.library.in_the_middle = fail
    job = service.run(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert (job.error["type"], job.error["message"]) == (kind, str(error))
    assert job.error.get("field") == getattr(error, "field", None)
    assert (service.artifacts(job_id), service.stored()) == ({}, [])


def test_an_unexpected_error_is_shown_without_its_text_and_logged_with_it(
    service: Service, job_id: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("cannot open /secret/path?token=abc")

    service.library.in_the_middle = fail
    with caplog.at_level(logging.WARNING):
        job = service.run(job_id)
    assert job.error is not None
    assert job.error["type"] == "internal"
    assert "secret" not in str(job.error)
    assert str(job_id) in job.error["message"]
    assert "/secret/path" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_too_little_memory_is_reported_with_a_remedy(
    service: Service, job_id: UUID, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_report, "other_processes_hold_most_memory", lambda: False)

    def fail() -> None:
        raise error

    service.library.in_the_middle = fail
    job = service.run(job_id)
    assert (job.state, job.error) == (JobState.QUEUED, None)
    assert "sequence_length" in str(last_reason(service, job_id))


def test_a_device_that_was_full_for_a_moment_is_tried_once_again(service: Service, job_id: UUID) -> None:
    def full_once() -> None:
        if len(service.library.calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")

    service.library.in_the_middle = full_once
    job = service.run(job_id)
    assert (job.state, job.attempt, len(service.library.calls)) == (JobState.SUCCEEDED, 1, 2)


def test_the_second_try_finds_no_memory_that_the_first_one_held(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Held:
        """A device's memory, in a cycle as a model's modules and hooks are."""

        def __init__(self) -> None:
            self.itself = self

    held: list[weakref.ref[Held]] = []
    released: list[str] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: released.append("by torch"))

    def full_once() -> None:
        if len(service.library.calls) == 1:
            of_this_try = Held()
            held.append(weakref.ref(of_this_try))
            raise torch.OutOfMemoryError("CUDA out of memory")
        released.append("by the first try" if held[0]() is None else "not")

    service.library.in_the_middle = full_once
    gc.disable()  # so that only the worker collects what is in cycles
    try:
        assert service.run(job_id).state == JobState.SUCCEEDED
    finally:
        gc.enable()
    assert released == ["by torch", "by the first try"]


@pytest.mark.parametrize("is_broken", [False, True])
def test_a_waiting_worker_keeps_no_memory_of_its_gpu(
    service: Service, job_id: UUID, is_broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pretended GPU. One that cannot release its memory is left to a new process."""
    states: list[JobState] = []

    def empty_cache() -> None:
        with service.database.begin() as session:
            states.append(session.get_one(Job, job_id).state)
        if is_broken:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", empty_cache)
    assert run_job.run_next(service.settings, service.worker, "task") is is_broken
    assert states == [JobState.SUCCEEDED]


def test_a_spec_of_another_version_is_left_to_other_workers_and_no_fault_of_the_machine(
    service: Service, job_id: UUID
) -> None:
    with service.database.begin() as session:
        session.execute(update(Job).values(spec={"recipe": {"model": "org/name", "method": "forgotten"}}))
    for attempt in range(1, 6):
        job = service.run(job_id)
        assert (job.state, job.attempt) == (JobState.QUEUED, attempt)
    job = service.run(job_id)
    assert (job.state, service.library.calls) == (JobState.FAILED, [])
    assert job.error is not None
    assert "is not valid in the version of its worker" in job.error["message"]
    with service.database.begin() as session:
        worker = session.get_one(Worker, service.worker.name)
    assert (worker.quarantined_at, worker.faults) == (None, 0)


def test_an_invalid_document_that_is_not_the_stored_job_is_no_fault_of_the_worker(
    service: Service, job_id: UUID
) -> None:
    def fail() -> None:
        Capacity.model_validate({"host_bytes": "what a model says"})

    service.library.in_the_middle = fail
    job = service.run(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert (job.error["type"], job.error["cause"]) == ("internal", "request")


@pytest.mark.threat
@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied: /scratch"),
        OSError(errno.EROFS, "Read-only file system"),
        OSError(errno.EHOSTDOWN, "Host is down"),
        TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        InvalidInput("device 'cuda' does not exist", field="device"),
    ],
    ids=["unwritable", "read-only", "server is down", "server hangs", "device", "no device"],
)
def test_a_worker_fault_counts_against_the_worker_and_not_the_job(
    service: Service, job_id: UUID, error: Exception
) -> None:
    def fail() -> None:
        raise error

    service.library.in_the_middle = fail
    job = service.run(job_id)
    assert (job.state, job.lost_attempts, job.error) == (JobState.QUEUED, 0, None)
    with service.database.begin() as session:
        worker = session.get_one(Worker, service.worker.name)
    assert (worker.faults, worker.quarantined_at, worker.queue) == (1, None, "cpu")
    assert "/scratch" not in f"{worker.fault} {last_reason(service, job_id)}"


@pytest.mark.threat
@pytest.mark.parametrize(
    ("error", "package"),
    [
        (ModuleNotFoundError("No module named 'mamba_ssm'", name="mamba_ssm"), "'mamba_ssm'"),
        (ImportError("FlashAttention2 has been toggled on, see /scratch"), "that its worker cannot import"),
    ],
)
def test_a_model_that_needs_a_missing_package_fails_its_job_and_no_worker(
    service: Service, job_id: UUID, error: Exception, package: str
) -> None:
    def fail() -> None:
        raise RuntimeError from error

    service.library.in_the_middle = fail
    job = service.run(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert (job.error["type"], job.error["field"]) == ("invalid_input", "model.id")
    assert f"{job.spec['recipe']['model']['id']} needs a Python package {package}" in job.error["message"]
    assert "/scratch" not in job.error["message"]
    with service.database.begin() as session:
        worker = session.get_one(Worker, service.worker.name)
    assert (worker.faults, worker.quarantined_at) == (0, None)


@pytest.mark.parametrize("is_forbidden", [True, False])
def test_a_network_that_fails_by_the_numbers_of_a_file_is_a_hub_that_does_not_answer(
    service: Service, job_id: UUID, is_forbidden: bool
) -> None:
    """A policy of the machine may forbid to connect. A library in Rust names no type of error."""

    def connect() -> None:
        try:
            if is_forbidden:
                raise httpx.ConnectError("[Errno 1] Operation not permitted") from PermissionError(
                    errno.EPERM, "x"
                )
            raise RuntimeError("tcp connect error: Connection timed out (os error 110)")
        except (httpx.ConnectError, RuntimeError) as error:
            raise Unreachable("the Hub does not answer") from error

    service.library.in_the_middle = connect
    job = service.run(job_id)
    assert (job.state, job.waiting_for, job.outage_of("hub")[1]) == (
        JobState.QUEUED,
        "the Hub does not answer",
        1,
    )
    with service.database.begin() as session:
        assert not session.scalar(select(Worker.faults).where(Worker.name == service.worker.name))


@pytest.mark.threat
@pytest.mark.parametrize(
    "character", ["\0", "\ud800", "\x1b[2J", "\x9b"], ids=["nul", "surrogate", "escape", "csi"]
)
def test_no_character_in_an_error_keeps_the_end_of_a_job_from_being_written(
    service: Service, job_id: UUID, character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pytest would capture the log, and a parallel run cannot send a lone surrogate to its parent.
    monkeypatch.setattr(run_job.log, "propagate", False)

    def fail() -> None:
        raise InvalidInput(f"no tensor a{character}b", field=f"model.{character}id")

    service.library.in_the_middle = fail
    job = service.run(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert job.error["message"].startswith("no tensor a\ufffd")
    assert character not in f"{job.error} {service.events(job_id)}"


@pytest.mark.threat
def test_a_report_that_cannot_be_stored_fails_the_job_at_once(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        StandInReport,
        "model_dump",
        lambda self, **how: {
            "perplexity": {"dense": 1.0, "pruned": 1.0},
            "sparsity": {"overall": 0.5},
            "note": "\0",
        },
    )
    job = service.run(job_id)
    assert job.error is not None
    assert (job.state, job.attempt, job.error["type"]) == (JobState.FAILED, 1, "internal")


@pytest.mark.threat
def test_a_panic_of_a_library_in_rust_fails_the_job(service: Service, job_id: UUID) -> None:
    def panic() -> None:
        Tokenizer.from_str(
            '{"version": "1.0", "normalizer": {"type": "Precompiled", "precompiled_charsmap": "AA"}}'
        )

    service.library.in_the_middle = panic
    job = service.run(job_id)
    assert job.error is not None
    assert (job.state, job.error["type"], job.error["cause"]) == (JobState.FAILED, "internal", "request")
    assert "PanicException" in job.error["message"]


@pytest.mark.parametrize("others", [True, False])
def test_memory_that_others_hold_is_a_fault_of_the_worker(
    service: Service, job_id: UUID, others: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise MemoryError

    service.library.in_the_middle = fail
    monkeypatch.setattr(error_report, "other_processes_hold_most_memory", lambda: others)
    assert service.run(job_id).state == JobState.QUEUED
    with service.database.begin() as session:
        assert (session.get_one(Job, job_id).needs == {}) == others, "else it needs more from now on"


GIB = 2**30


def declare(service: Service, name: str, gibibytes: int) -> None:
    has = Capacity(gpus=1, device_bytes=gibibytes * GIB, host_bytes=64 * GIB, scratch_bytes=10**13)
    with service.database.begin() as session:
        workers.record_capacity(session, name, queue_name(has), has)


def test_a_job_that_runs_out_of_the_devices_memory_waits_for_a_larger_worker(
    service: Service, job_id: UUID
) -> None:
    declare(service, service.worker.name, 23)

    def fail() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    service.library.in_the_middle = fail
    job = service.run(job_id)
    assert (job.state, job.error, job.lost_attempts) == (JobState.QUEUED, None, 0)
    assert "memory is too small for this job" in str(last_reason(service, job_id))
    assert job.needs["device_bytes"] > 23 * GIB
    calls = len(service.library.calls)
    assert service.run(job_id).state == JobState.QUEUED
    assert len(service.library.calls) == calls
    declare(service, service.worker.name, 79)
    service.library.in_the_middle = lambda: None
    assert service.run(job_id).state == JobState.SUCCEEDED


def test_a_job_that_does_not_fit_its_worker_is_requeued_before_computing(
    service: Service, job_id: UUID
) -> None:
    declare(service, service.worker.name, 23)
    declare(service, "larger", 79)
    matrices = tuple(Matrix(16_384, 53_248, str(number)) for number in range(4))
    block = BlockShape(matrices, 16_384)
    large = ModelShape("llama", 16_384, 128_256, None, (block,) * 4, 4 * 10**9, "bfloat16")
    service.library.in_the_middle = lambda: service.library.calls[-1].on_shape(large)
    job = service.run(job_id)
    assert job.state == JobState.QUEUED
    assert 23 * GIB < job.needs["device_bytes"] < 79 * GIB
    assert "less than the job needs" in str(last_reason(service, job_id))
    assert service.stored() == []
