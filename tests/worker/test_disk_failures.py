"""Failures of a worker's disks: full, read-only, dead or missing."""

import errno
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from huggingface_hub import constants
from safetensors import SafetensorError
from sqlalchemy import func, select

from jobs import limits
from jobs.states import JobState
from jobs.tables import JobAttempt, Worker
from pruning.checkpoint import checkpoint
from pruning.errors import Unreachable
from pruning.recipe import ModelReference
from tests.conftest import Submit
from tests.small_disk import dead_mount, mounted
from tests.worker.one_job import Service, last_reason
from worker import self_test
from worker.self_test import SelfTestFailed, check_free_disk, check_hub_cache, check_store


def quarantined_for(service: Service) -> str:
    """Why the worker is quarantined. It has claimed nothing, and no job has met its fault."""
    with service.database.begin() as session:
        worker = session.get_one(Worker, service.worker.name)
        assert session.scalars(select(func.count()).select_from(JobAttempt)).one() == 0
    assert (worker.faults, worker.quarantined_at is not None) == (0, True)
    return str(worker.fault)


@pytest.mark.threat
def test_a_worker_on_a_full_disk_claims_no_job_and_is_quarantined_with_the_numbers(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the workers that share the disk would fail a job by a claim each, and the next one after it."""
    monkeypatch.setattr(limits, "MIN_FREE_DISK_BYTES", 2**60)
    job = service.run(job_id)
    assert (job.state, job.attempt, service.library.calls) == (JobState.QUEUED, 0, [])
    fault = quarantined_for(service)
    assert "1152922 TB must stay free; make room on the disk of " in fault
    assert "PRUNESERVE_WORK_DIR" in fault


def test_a_disk_that_stays_full_fails_the_job_with_the_numbers(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_WORKER_FAULTS", 2)

    def write() -> None:
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"bytes")

    service.library.in_the_middle = write
    assert service.run(job_id).state == JobState.QUEUED
    job = service.run(job_id)
    assert job.error is not None
    assert (job.error["type"], job.error["cause"]) == ("disk_full", "worker")
    assert "B free, and " in job.error["message"]
    assert "2 attempts" in job.error["message"]


def read_only(mount: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)


@pytest.fixture
def own_disk(service: Service) -> Iterator[Path]:
    """The work directory, which is a file system of its own."""
    with mounted(service.settings.work_dir) as directory:
        yield directory


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The cache of the Hub's files, which is a file system of its own."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with mounted(tmp_path / "cache") as directory:
        yield directory


def test_a_disk_without_inodes_is_no_fault_of_the_model_and_is_named_so(
    service: Service, job_id: UUID, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MIN_FREE_DISK_BYTES", 2**20)
    configured = service.settings

    def read_the_model() -> None:
        with suppress(OSError):
            for number in range(1010):
                (configured.work_dir / f"filler-{number}").touch()
        read = service.library.calls[-1].reading.describe
        checkpoint.resolve(ModelReference(id=str(small_model)), describe_files=read)

    service.library.in_the_middle = read_the_model
    with mounted(configured.work_dir, "size=8m,nr_inodes=1010"):
        assert service.run(job_id).state == JobState.QUEUED
        reason = str(last_reason(service, job_id))
        with pytest.raises(SelfTestFailed, match=r"of 1010 inodes free \(`df -i`\), and 1000 must stay free"):
            check_free_disk(configured)
    assert re.search(
        r"reported ENOSPC: it has [0-6] of 1010 inodes free \(`df -i`\), and 1000 must stay", reason
    )


@pytest.mark.parametrize("names_the_file", [True, False])
def test_the_first_event_of_a_read_only_disk_names_error_place_and_remedy(
    service: Service, job_id: UUID, own_disk: Path, names_the_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write() -> None:
        read_only(own_disk)
        try:
            (own_disk / "shard").write_bytes(b"bytes")
        except OSError as error:
            raise error if names_the_file else OSError(error.errno, error.strerror) from None

    service.library.in_the_middle = write
    monkeypatch.setattr(limits, "MIN_FREE_DISK_BYTES", 0)
    assert service.run(job_id).state == JobState.QUEUED
    reason = str(last_reason(service, job_id))
    assert reason.startswith(
        "the worker failed, not the job: its work directory (PRUNESERVE_WORK_DIR) cannot be used "
        "(EROFS, Read-only file system); "
        "mount it for writing again, and check the kernel's log for the disk; "
        "the operator finds the details in its log under job "
    )
    assert str(service.settings.work_dir) not in reason


def test_a_read_only_disk_is_reported_with_its_variable_and_the_remedy(
    service: Service, job_id: UUID, own_disk: Path
) -> None:
    read_only(own_disk)
    assert service.run(job_id).state == JobState.QUEUED
    assert quarantined_for(service) == (
        "its work directory (PRUNESERVE_WORK_DIR) cannot be written "
        "(EROFS, Read-only file system); mount it for writing again, and check the kernel's log for the disk"
    )


def test_a_worker_with_a_read_only_cache_of_the_hub_fails_no_job(
    service: Service, submit: Submit, hub_cache: Path
) -> None:
    """Its self-test would release it each minute, until each job in turn had failed."""
    jobs = [submit() for _ in range(6)]
    read_only(hub_cache)
    assert [service.run(job_id).state for job_id in jobs] == [JobState.QUEUED] * 6
    assert quarantined_for(service) == (
        "its cache of the Hub's files (HF_HOME) cannot be written (EROFS, Read-only file system); "
        "mount it for writing again, and check the kernel's log for the disk; or set HF_HUB_OFFLINE=1 if no "
        "job needs more than it holds"
    )


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize(("hangs", "number"), [(False, "ENOTCONN"), (True, "ETIMEDOUT")])
def test_a_cache_of_the_hub_that_is_dead_or_does_not_answer(
    tmp_path: Path, offline: bool, hangs: bool, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    if hangs:
        monkeypatch.setattr(self_test, "_ANSWER_SECONDS", 0.2)
        monkeypatch.setattr(self_test, "_hanging", {})
    with dead_mount(tmp_path / "mount", hangs=hangs) as directory:
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(directory / "hub"))
        with pytest.raises(SelfTestFailed, match=rf"\(HF_HOME\) cannot be [a-z]+ \({number}, "):
            check_hub_cache()


def test_a_cache_of_the_hub_that_its_jobs_can_do_without_is_no_fault(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only(hub_cache)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    check_hub_cache()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub_cache / "missing"))
    check_hub_cache()


def test_a_cache_of_the_hub_is_made_where_it_is_missing(
    hub_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each job with a model of the Hub would meet the fault."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub_cache / "one" / "hub"))
    check_hub_cache()
    assert list(hub_cache.rglob("*")) == [hub_cache / "one", hub_cache / "one" / "hub"]
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub_cache / "another" / "hub"))
    read_only(hub_cache)
    with pytest.raises(SelfTestFailed, match=r"\(HF_HOME\) cannot be written \(EROFS, "):
        check_hub_cache()


def test_the_store_is_not_tested_from_a_read_only_disk(service: Service, own_disk: Path) -> None:
    read_only(own_disk)
    with pytest.raises(SelfTestFailed):
        check_store(service.settings)


@pytest.mark.parametrize("is_full", [True, False], ids=["full", "read-only"])
def test_a_cache_that_takes_nothing_is_no_hub_that_does_not_answer(
    service: Service, job_id: UUID, hub_cache: Path, is_full: bool
) -> None:
    def download() -> None:
        if not is_full:
            read_only(hub_cache)
        try:
            (hub_cache / "blob").write_bytes(bytes(2**21))
        except OSError as error:
            raise Unreachable("the Hub did not deliver org/name (OSError)") from error

    service.library.in_the_middle = download
    job = service.run(job_id)
    assert (job.state, job.outage, job.next_try_at) == (JobState.QUEUED, None, None)
    expected = (
        "the disk of the worker's cache of the Hub's files (HF_HOME) reported ENOSPC: it has 0 B of 1.05 "
        "MB free: make room on it, and retry the job if it has failed"
        if is_full
        else "the worker failed, not the job: its cache of the Hub's files (HF_HOME) cannot be used "
        "(EROFS, Read-only file system); mount it for writing again"
    )
    assert str(last_reason(service, job_id)).startswith(expected)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            OSError(errno.EIO, "x"),
            "a file or a device of its machine cannot be used (EIO, Input/output error)",
        ),
        (PermissionError(errno.EACCES, "x", "/dev/nvidia0"), "give the worker's user access to it"),
        (SafetensorError("I/O error: Read-only file system (os error 30)"), "(EROFS, Read-only file system)"),
        (
            OSError(errno.ENOSPC, "x"),
            "the worker's scratch disk (PRUNESERVE_WORK_DIR) reported ENOSPC: it has ",
        ),
        (
            SafetensorError("I/O error: (os error 122)"),
            "the worker's scratch disk (PRUNESERVE_WORK_DIR) reported EDQUOT: it has ",
        ),
    ],
    ids=["disk", "device", "of a library", "full", "quota"],
)
def test_an_error_of_the_machine_has_the_name_that_the_system_gives_it(
    service: Service, job_id: UUID, error: Exception, expected: str
) -> None:
    def fail() -> None:
        raise error

    service.library.in_the_middle = fail
    assert service.run(job_id).state == JobState.QUEUED
    assert expected in str(last_reason(service, job_id))


def test_a_sigterm_that_a_read_only_disk_cannot_record_is_no_fault_of_the_worker(
    service: Service, job_id: UUID, tmp_path: Path
) -> None:
    """The parent, which gets it too, ends a job that does not end in time."""

    def terminate() -> None:
        read_only(tmp_path / "temporary")
        os.kill(os.getpid(), signal.SIGTERM)

    service.library.in_the_middle = terminate
    with mounted(tmp_path / "temporary") as directory:
        service.worker = replace(service.worker, shutdown_flag=directory / "shutdown")
        assert service.run(job_id).state == JobState.SUCCEEDED


@pytest.mark.threat
def test_a_worker_without_a_work_directory_fails_no_job(service: Service, submit: Submit) -> None:
    service.settings.work_dir.write_text("a file where a directory should be")
    jobs = [submit() for _ in range(6)]
    assert [service.run(job_id).state for job_id in jobs] == [JobState.QUEUED] * 6
    assert "(EEXIST, File exists); make it a directory" in quarantined_for(service)


def test_a_worker_whose_mount_of_models_is_dead_fails_no_job(
    service: Service, submit: Submit, tmp_path: Path
) -> None:
    """It stays mounted so for hours: each worker of it would return each job as often as a job may be."""
    jobs = [submit() for _ in range(6)]
    with dead_mount(tmp_path / "models") as directory:
        service.settings = service.settings.model_copy(update={"model_roots": (directory,)})
        assert [service.run(job_id).state for job_id in jobs] == [JobState.QUEUED] * 6
    assert quarantined_for(service).startswith(
        "a directory of PRUNESERVE_MODEL_ROOTS cannot be read (ENOTCONN, "
    )


def test_a_worker_that_cannot_record_a_claim_claims_nothing_and_is_quarantined(
    service: Service, job_id: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(tmp_path / "temporary") as directory:
        monkeypatch.setattr(tempfile, "tempdir", str(directory))
        service.worker = replace(service.worker, shutdown_flag=Path(tempfile.mkdtemp(), "shutdown"))
        with suppress(OSError):
            (directory / "filler").write_bytes(bytes(2**21))
        assert service.run(job_id).state == JobState.QUEUED
    fault = "its directory of temporary files (TMPDIR) cannot be written (ENOSPC, No space left on device); "
    assert quarantined_for(service) == fault + "make room on its disk"
