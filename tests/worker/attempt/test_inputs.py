"""An uploaded text: the worker downloads it, and the library verifies what it reads."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, update

import pruning.pipeline.run
from jobs import limits
from jobs.database import Database
from jobs.lifecycle import owner_moves
from jobs.queue import backlog, workers
from jobs.queue.resources import needs_of
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.storage import uploads
from jobs.storage.store import Store, StoredFile
from jobs.tables import NOW, Job, Upload
from pruning.data.text import Source, read_documents
from pruning.errors import PruningError
from pruning.pipeline.run import RunRequest, Services
from tests.small_disk import mounted
from worker import run_job
from worker.identity import Identity

LINES = '{"text": "one"}\n{"text": "two"}\n'


class Read(PruningError):
    """Ends the run once the texts are read: these tests need no more of it."""


class Service:
    def __init__(self, database: Database, settings: Settings, worker: Identity) -> None:
        self.database, self.settings, self.worker = database, settings, worker
        self.store = Store(settings.store_url)

    def upload(self, directory: Path) -> UUID:
        path = directory / "sent"
        path.write_text(LINES)
        stored = self.store.put_file("uploads/1", path)
        with self.database.begin() as session:
            uploads.announce(session, "ada", stored.key, size=10, quota=1000)
            upload, _ = uploads.add(session, "ada", "lines", "jsonl", stored, 1000)
            return upload.id

    def submit(self, upload_id: UUID) -> UUID:
        recipe = {"model": "org/name", "method": "wanda", "sparsity": 0.5}
        recipe["calibration"] = {"dataset": f"upload:{upload_id}"}  # type: ignore[assignment]
        with self.database.begin() as session:
            job_id = owner_moves.create(session, "ada", JobSpec.model_validate({"recipe": recipe})).id
            backlog.record_needs(session, job_id, None)
            return job_id

    def run(self, job_id: UUID) -> Job:
        run_job.run_next(self.settings, self.worker, "task")
        with self.database.begin() as session:
            return session.get_one(Job, job_id)


@pytest.fixture
def service(database: Database, settings: Settings, worker: Identity) -> Service:
    return Service(database, settings, worker)


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The documents that a run reads; it does nothing else."""
    read: list[Sequence[str]] = []

    def run(request: RunRequest, services: Services) -> None:
        (share,) = request.recipe.calibration.shares
        source = Source(share.dataset, "calibration", share.field)
        read.append(read_documents(source, roots=services.roots.data))
        raise Read("read")

    monkeypatch.setattr(pruning.pipeline.run, "run", run)
    return read


def test_a_job_reads_the_text_that_was_uploaded(
    service: Service, documents: list[Sequence[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = service.submit(service.upload(tmp_path))
    sizes: list[int | None] = []
    download = Store.download

    def watched(store: Store, key: str, path: Path, *, size: int | None = None, **options: Any) -> StoredFile:
        sizes.append(size)
        return download(store, key, path, size=size, **options)

    monkeypatch.setattr(Store, "download", watched)
    assert service.run(job_id).error == {"type": "impossible", "message": "read", "cause": "request"}
    assert documents == [["one", "two"]]
    assert sizes == [len(LINES)], "a large one is fetched in ranges only where its size is known"


def test_a_text_that_was_deleted_meanwhile_is_named(
    service: Service, documents: list[Sequence[str]], tmp_path: Path
) -> None:
    job_id = service.submit(service.upload(tmp_path))
    with service.database.begin() as session:
        session.execute(delete(Upload))
    job = service.run(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert job.error["field"] == "calibration.dataset"
    assert "upload it again" in job.error["message"]


def test_a_text_that_only_the_store_has_lost_is_waited_for(
    service: Service, documents: list[Sequence[str]], tmp_path: Path
) -> None:
    job_id = service.submit(service.upload(tmp_path))
    service.store.delete("uploads/1")
    job = service.run(job_id)
    assert (job.state, job.awaited, job.error) == (JobState.QUEUED, "store", None)
    assert job.waiting_for == "the store lacks the uploaded text"
    service.store.put_file("uploads/1", tmp_path / "sent")
    with service.database.begin() as session:
        session.execute(update(Job).values(next_try_at=NOW))
    service.run(job_id)
    assert documents == [["one", "two"]]


@pytest.fixture
def small_disk(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The work directory has a disk of 1 MiB, of which half must stay free."""
    monkeypatch.setattr(limits, "MIN_FREE_DISK_BYTES", 2**19)
    with mounted(service.settings.work_dir):
        yield


@pytest.mark.usefixtures("small_disk")
@pytest.mark.parametrize("size", [2**60, 700_000], ids=["than the disk", "than what a job may fill"])
def test_a_text_larger_than_the_free_disk_waits_for_room_also_on_this_worker(
    service: Service, documents: list[Sequence[str]], tmp_path: Path, size: int
) -> None:
    job_id = service.submit(service.upload(tmp_path))
    with service.database.begin() as session:
        session.execute(update(Upload).values(size=size))
        workers.record_scratch(session, service.worker.name, 2**61)  # what it had once
    for _ in range(2):  # the second time it is not claimed
        job = service.run(job_id)
        assert (job.state, job.attempt, job.lost_attempts) == (JobState.QUEUED, 1, 0)
    assert needs_of(job.needs or {}).scratch_bytes == size
    assert documents == []
    with service.database.begin() as session:
        session.execute(update(Upload).values(size=len(LINES)))
        workers.record_scratch(session, service.worker.name, 2**60, if_more=True)
    service.run(job_id)
    assert documents == [["one", "two"]]


def test_a_text_that_has_changed_in_the_store_is_not_used(
    service: Service, documents: list[Sequence[str]], tmp_path: Path
) -> None:
    job_id = service.submit(service.upload(tmp_path))
    other = tmp_path / "other"
    other.write_text(LINES.replace("one", "eno"))
    service.store.put_file("uploads/1", other)
    job = service.run(job_id)
    assert job.error is not None
    assert "lines is damaged" in job.error["message"]  # by the name that its owner has given it
    assert documents == []
