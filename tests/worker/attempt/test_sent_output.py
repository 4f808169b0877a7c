"""What attempts have sent of a job's output is not sent again, whatever becomes of them."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from jobs import retention
from jobs.lifecycle import lifecycle, sent_files
from jobs.settings import Settings
from jobs.states import JobState
from jobs.storage import store as module
from jobs.storage.errors import StoreUnreachable
from jobs.storage.multipart import Failed, Gone, Multipart, PendingUpload
from jobs.storage.store import Store
from jobs.tables import Job, SentFile
from tests.worker import one_job
from tests.worker.one_job import Service, StandInRun
from worker.attempt import attempt

PART = 5000

pytestmark = pytest.mark.usefixtures("short_waits")

Database = sessionmaker[Session]


@pytest.fixture
def settings(settings: Settings, s3_url: str) -> Settings:
    return settings.model_copy(update={"store_url": s3_url})


@pytest.fixture(autouse=True)
def weights(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A file of nine parts, which does not shrink."""
    content = os.urandom(8 * PART + 1)
    monkeypatch.setattr(module, "_PART_BYTES", PART)
    monkeypatch.setattr(one_job, "WEIGHTS", content)
    return content


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes that have gone to the store for each part."""
    put, sizes = Multipart._put, []

    def noted(self: Multipart, *part: object) -> tuple[str, int]:
        tag, size = put(self, *part)  # type: ignore[arg-type] # whatever it takes
        sizes.append(size)
        return tag, size

    monkeypatch.setattr(Multipart, "_put", noted)
    return sizes


def parts_have_arrived() -> None:
    """Wait for those that were on their way when their attempt ended."""
    for thread in threading.enumerate():
        if thread.name.startswith("part_"):
            thread.join()


def begun(service: Service, job_id: UUID) -> set[PendingUpload]:
    """Return what is on record of uploads in parts that are not complete."""
    with service.database.begin() as session:
        found = sent_files.of_job(session, job_id)
        return {PendingUpload(row.key, row.upload_id) for row in found if row.upload_id is not None}


_pending = Multipart.pending


def of_exact_key(self: Multipart, prefix: str) -> Iterator[PendingUpload]:
    """List uploads in parts as MinIO does: under the exact key of their file."""
    return (each for each in _pending(self, prefix) if each.key == prefix)


@pytest.fixture
def _exact_keys_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Multipart, "pending", of_exact_key)


def rows(database: Database) -> int:
    with database.begin() as session:
        return session.scalars(select(func.count()).select_from(SentFile)).one()


def taken_away_at(service: Service, job_id: UUID, count: int) -> Callable[..., tuple[str, int]]:
    """Return a `Multipart._put` that takes the job away from its worker with the part of this number."""
    put = Multipart._put

    def lost(self: Multipart, upload: object, number: int, *part: object) -> tuple[str, int]:
        if number == count:
            service.take_away(job_id)
            raise StoreUnreachable("and the store does not answer")
        return put(self, upload, number, *part)  # type: ignore[arg-type] # whatever it takes

    return lost


def test_an_attempt_goes_on_with_the_parts_that_the_one_before_it_has_sent(
    service: Service,
    library: StandInRun,
    job_id: UUID,
    weights: bytes,
    parts: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as once:
        once.setattr(Multipart, "_put", taken_away_at(service, job_id, 7))
        assert service.run(job_id).state == JobState.QUEUED
    parts_have_arrived()
    assert parts
    assert len(service.store.pending_uploads("jobs")) == rows(service.database) == 1
    before = len(parts)
    job = service.run(job_id)
    assert (job.state, job.attempt, job.lost_attempts) == (JobState.SUCCEEDED, 2, 0)
    assert service.artifacts(job_id) == {"model.safetensors": weights, "more/config.json": b"{}"}
    assert sum(parts) == len(weights)
    assert 0 in parts[before:]
    assert rows(service.database) == 0
    assert service.stored() == [
        f"jobs/{job_id}/attempts/1/output/model.safetensors",
        f"jobs/{job_id}/attempts/2/output/more/config.json",
    ]


def test_a_file_that_was_sent_is_not_sent_again_unless_it_is_another_one(
    service: Service, library: StandInRun, job_id: UUID, parts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed = lifecycle.succeed

    def hand_back(session: Session, claim: lifecycle.Claim, *result: object) -> bool:
        return lifecycle.hand_back(session, claim, "for the test")

    monkeypatch.setattr(lifecycle, "succeed", hand_back)
    for _ in range(2):
        assert service.run(job_id).state == JobState.QUEUED
    assert len(parts) == 9
    again = os.urandom(8 * PART + 1)
    monkeypatch.setattr(one_job, "WEIGHTS", again)
    service.run(job_id)
    assert len(parts) == 18
    Store(service.settings.store_url).delete(f"jobs/{job_id}/attempts/3/output/model.safetensors")
    monkeypatch.setattr(lifecycle, "succeed", succeed)
    service.run(job_id)
    assert len(parts) == 27
    assert service.artifacts(job_id) == {"model.safetensors": again, "more/config.json": b"{}"}


@pytest.mark.parametrize("size", [PART, 3 * PART])
def test_an_upload_of_a_file_of_another_size_is_aborted_and_its_key_left_alone(
    service: Service, library: StandInRun, job_id: UUID, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt that has begun it may still be sending, and complete it later."""
    with monkeypatch.context() as once:
        once.setattr(Multipart, "_put", taken_away_at(service, job_id, 7))
        service.run(job_id)
    parts_have_arrived()
    assert len(service.store.pending_uploads("jobs")) == 1
    other = os.urandom(size)
    monkeypatch.setattr(one_job, "WEIGHTS", other)
    assert service.run(job_id).state == JobState.SUCCEEDED
    assert service.artifacts(job_id)["model.safetensors"] == other
    assert service.store.pending_uploads("jobs") == []
    assert service.stored()[0] == f"jobs/{job_id}/attempts/2/output/model.safetensors"


@pytest.mark.usefixtures("_exact_keys_alone")
@pytest.mark.parametrize("size", [PART, 3 * PART])
def test_one_that_cannot_be_aborted_then_is_on_record_until_it_is(
    service: Service,
    library: StandInRun,
    job_id: UUID,
    size: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where the attempt that has begun another one ends there, and the next one succeeds."""
    with monkeypatch.context() as once:
        once.setattr(Multipart, "_put", taken_away_at(service, job_id, 7))
        service.run(job_id)
    parts_have_arrived()
    left = begun(service, job_id)
    other = os.urandom(size)
    monkeypatch.setattr(one_job, "WEIGHTS", other)

    def unavailable(self: Multipart, upload: PendingUpload) -> None:
        raise Failed("for the test", "InternalError")

    with monkeypatch.context() as once:
        once.setattr(Multipart, "abort", unavailable)
        once.setattr(lifecycle, "succeed", lambda session, claim, *_: lifecycle.hand_back(session, claim, ""))
        assert service.run(job_id).state == JobState.QUEUED
    assert begun(service, job_id) == left
    assert service.run(job_id).state == JobState.SUCCEEDED
    assert service.artifacts(job_id)["model.safetensors"] == other
    assert begun(service, job_id) == set()
    assert not any(service.store.pending_uploads(upload.key) for upload in left)


@pytest.mark.usefixtures("_exact_keys_alone")
def test_an_upload_in_which_another_process_has_replaced_a_part_is_aborted(
    service: Service,
    library: StandInRun,
    job_id: UUID,
    weights: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The S3 server of these tests replaces none, so the answer to that is made."""
    complete = Multipart._complete
    replaced: list[PendingUpload] = []

    def once_replaced(self: Multipart, upload: PendingUpload, tags: list[str]) -> None:
        if not replaced:
            replaced.append(upload)
            raise Gone("InvalidPart")
        complete(self, upload, tags)

    monkeypatch.setattr(Multipart, "_complete", once_replaced)
    assert service.run(job_id).state == JobState.SUCCEEDED
    assert service.artifacts(job_id)["model.safetensors"] == weights
    assert service.store.pending_uploads(replaced[0].key) == []


def test_an_upload_that_the_store_has_dropped_is_begun_again(
    service: Service, library: StandInRun, job_id: UUID, weights: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as once:
        once.setattr(Multipart, "_put", taken_away_at(service, job_id, 7))
        service.run(job_id)
    (pending,) = service.store.pending_uploads("jobs")
    service.store.abort_upload(pending)
    assert service.run(job_id).state == JobState.SUCCEEDED
    assert service.artifacts(job_id)["model.safetensors"] == weights
    assert service.stored()[0] == f"jobs/{job_id}/attempts/2/output/model.safetensors"


def test_an_upload_that_is_begun_too_late_to_be_recorded_is_aborted(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Multipart.begin

    def cancelled(self: Multipart, key: str) -> PendingUpload:
        service.cancel(job_id)
        return begin(self, key)

    monkeypatch.setattr(Multipart, "begin", cancelled)
    with monkeypatch.context() as patched:
        patched.setattr(Multipart, "pending", lambda self, prefix: iter(()))  # as MinIO, below a prefix
        assert service.run(job_id).state == JobState.CANCELLED
    assert (service.stored(), service.store.pending_uploads("jobs"), rows(service.database)) == ([], [], 0)


@pytest.mark.parametrize("lists_by", ["prefix", "exact key"])  # as MinIO does
def test_a_cancelled_job_keeps_nothing_of_it(
    service: Service, library: StandInRun, job_id: UUID, monkeypatch: pytest.MonkeyPatch, lists_by: str
) -> None:
    put = Multipart._put

    def cancelled(self: Multipart, upload: object, number: int, *part: object) -> tuple[str, int]:
        if number == 5:
            service.cancel(job_id)
        return put(self, upload, number, *part)  # type: ignore[arg-type] # whatever it takes

    monkeypatch.setattr(Multipart, "_put", cancelled)
    with monkeypatch.context() as patched:
        if lists_by == "exact key":
            patched.setattr(Multipart, "pending", of_exact_key)
        assert service.run(job_id).state == JobState.CANCELLED
    assert (service.stored(), service.store.pending_uploads("jobs"), rows(service.database)) == ([], [], 0)


def test_a_failed_job_keeps_it_for_a_retry_until_its_time_has_passed(
    service: Service, library: StandInRun, job_id: UUID, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(self: Multipart, *anything: object) -> None:
        raise StoreUnreachable("the store did not answer")

    monkeypatch.setattr(Multipart, "_complete", unavailable)
    monkeypatch.setattr(attempt, "_STORE_TIMEOUT_SECONDS", 0.0)
    assert service.run(job_id).state == JobState.FAILED
    with database.begin() as session:
        assert retention.drop_finished_blocks(session, 7.0, 10) == 0
        assert len(sent_files.of_job(session, job_id)) == 1
        long_ago = func.now() - func.make_interval(0, 0, 0, 8)
        session.execute(update(Job).values(failed_at=long_ago))
        session.execute(update(SentFile).values(sent_at=long_ago))
        assert retention.drop_finished_blocks(session, 7.0, 10) == 0, "its upload is on record"
        begun = retention.begun_long_ago(session, 7.0, 10)
    assert [*begun] == [job_id]
    sent_files.abort_begun(database, service.store, job_id, begun[job_id])
    assert (service.store.pending_uploads("jobs"), rows(database)) == ([], 0)


@pytest.mark.threat
def test_an_attempt_that_has_lost_its_job_records_nothing(
    service: Service, database: Database, claim: lifecycle.Claim, tmp_path: Path
) -> None:
    upload = service.store.begin_upload("jobs/a", 2 * PART)
    assert upload is not None
    (tmp_path / "file").write_bytes(b"1")
    stored = service.store.put_file("jobs/b", tmp_path / "file")
    with database.begin() as session:
        assert lifecycle.hand_back(session, claim, "for the test")
        assert not sent_files.begun(session, claim, "a", 2 * PART, upload)
        assert not sent_files.sent(session, claim, "b", stored)
    assert rows(database) == 0


def test_a_file_that_is_sent_for_the_first_time_is_progress(
    service: Service, database: Database, claim: lifecycle.Claim, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"1")
    stored = service.store.put_file("jobs/b", tmp_path / "file")
    upload = service.store.begin_upload("jobs/b", 2 * PART)
    assert upload is not None

    def lost_attempts_after_sending() -> int:
        with database.begin() as session:
            session.execute(update(Job).values(lost_attempts=2))
            assert sent_files.begun(session, claim, "b", 2 * PART, upload)
            assert session.get_one(Job, claim.job_id).lost_attempts == 2
            assert sent_files.sent(session, claim, "b", stored)
        with database.begin() as session:
            return session.get_one(Job, claim.job_id).lost_attempts

    assert lost_attempts_after_sending() == 0
    assert lost_attempts_after_sending() == 2, "begun again, it is not new"
