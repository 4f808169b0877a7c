"""What attempts have sent of a job's output is not sent again, whatever becomes of them."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from jobs import retention
from jobs.database import Database
from jobs.lifecycle import attempt_files, lifecycle, owner_moves
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.storage.errors import StoreUnreachable
from jobs.storage.store import Store, StoredFile
from jobs.tables import Job, SentFile
from tests.claims import claimed
from tests.worker import one_job
from tests.worker.one_job import Service
from worker import run_job
from worker.attempt import attempt

pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.fixture(params=["directory", "S3"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    if request.param == "directory":
        return settings
    return settings.model_copy(update={"store_url": request.getfixturevalue("s3_url")})


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the files that have gone to the store."""
    put, keys = Store.put_file, []

    def noted(self: Store, key: str, path: Path, **how: object) -> StoredFile:
        stored = put(self, key, path, **how)  # type: ignore[arg-type] # whatever it takes
        keys.append(key)
        return stored

    monkeypatch.setattr(Store, "put_file", noted)
    return keys


def rows(database: Database) -> int:
    with database.begin() as session:
        return session.scalars(select(func.count()).select_from(SentFile)).one()


def at_the_second_file(act: Callable[[], object]) -> Callable[..., StoredFile]:
    """Return a `Store.put_file` that acts in the place of sending any file but the weights."""
    put = Store.put_file

    def instead(self: Store, key: str, path: Path, **how: object) -> StoredFile:
        if not key.endswith(".safetensors"):
            act()
            raise StoreUnreachable("and the store does not answer")
        return put(self, key, path, **how)  # type: ignore[arg-type] # whatever it takes

    return instead


def test_an_attempt_sends_what_the_one_before_it_has_not_sent(
    service: Service, job_id: UUID, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as once:
        once.setattr(Store, "put_file", at_the_second_file(lambda: service.take_away(job_id)))
        assert service.run(job_id).state == JobState.QUEUED
    assert rows(service.database) == 1
    job = service.run(job_id)
    assert (job.state, job.attempt, job.lost_attempts) == (JobState.SUCCEEDED, 2, 0)
    assert service.artifacts(job_id) == {"model.safetensors": one_job.WEIGHTS, "more/config.json": b"{}"}
    there = [f"jobs/{job_id}/attempts/1/output/model.safetensors"]
    there += [f"jobs/{job_id}/attempts/2/output/more/config.json"]
    assert (service.stored(), sent, rows(service.database)) == (there, there, 0)


@pytest.mark.threat
def test_a_file_that_was_sent_is_not_sent_again_unless_it_is_another_one(
    service: Service, job_id: UUID, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed = lifecycle.succeed

    def hand_back(session: Session, claim: lifecycle.Claim, *result: object) -> bool:
        return lifecycle.hand_back(session, claim, "for the test")

    monkeypatch.setattr(lifecycle, "succeed", hand_back)
    for _ in range(2):
        assert service.run(job_id).state == JobState.QUEUED
    assert len(sent) == 2
    again = bytes(reversed(one_job.WEIGHTS))
    monkeypatch.setattr(one_job, "WEIGHTS", again)
    service.run(job_id)
    assert len(sent) == 3
    Store(service.settings.store_url).delete(f"jobs/{job_id}/attempts/3/output/model.safetensors")
    monkeypatch.setattr(lifecycle, "succeed", succeed)
    service.run(job_id)
    assert len(sent) == 4
    assert service.artifacts(job_id) == {"model.safetensors": again, "more/config.json": b"{}"}


def test_a_cancelled_job_keeps_nothing_of_it(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "put_file", at_the_second_file(lambda: service.cancel(job_id)))
    assert service.run(job_id).state == JobState.CANCELLED
    assert (service.stored(), rows(service.database)) == ([], 0)


def test_a_failed_job_keeps_it_for_a_retry_until_its_time_has_passed(
    service: Service, job_id: UUID, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "_STORE_TIMEOUT_SECONDS", 0.0)
    monkeypatch.setattr(run_job, "_OUTAGE_TIMEOUT_SECONDS", 0.0)
    monkeypatch.setattr(Store, "put_file", at_the_second_file(lambda: None))
    assert service.run(job_id).state == JobState.FAILED
    with database.begin() as session:
        assert retention.drop_finished_blocks(session, 7.0, 10) == 0
        assert len(attempt_files.sent_files(session, job_id)) == 1
        long_ago = func.now() - func.make_interval(0, 0, 0, 8)
        session.execute(update(Job).values(ended_at=long_ago))
        session.execute(update(SentFile).values(sent_at=long_ago))
        assert retention.drop_finished_blocks(session, 7.0, 10) == 1
    assert rows(database) == 0


@pytest.mark.threat
def test_an_attempt_that_has_lost_its_job_records_nothing(
    service: Service, database: Database, claim: lifecycle.Claim, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"1")
    stored = service.store.put_file("jobs/b", tmp_path / "file")
    with database.begin() as session:
        assert lifecycle.hand_back(session, claim, "for the test")
        assert not attempt_files.record_sent_file(session, claim, "b", stored)
    assert rows(database) == 0


@pytest.mark.threat
def test_an_attempt_over_the_quota_that_has_lost_its_job_leaves_what_the_next_one_has_sent(
    service: Service, database: Database, attempt_of: Callable[..., attempt.Attempt], tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"1")
    stored = service.store.put_file("jobs/b", tmp_path / "file")
    spec = JobSpec.model_validate({"recipe": {"model": "org/name", "norms": ["l1"]}})
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
        first = claimed(session, job_id, "gone")
        assert lifecycle.hand_back(session, first, "for the test")
        second = claimed(session, job_id, "w2")
        assert attempt_files.record_sent_file(session, second, "b", stored)
    late = attempt_of(first, quota_bytes=0)
    norms = FinishedArtifact("b", stored.key, stored.size, stored.sha256)
    for loser, moved, kept in ((late, False, 1), (attempt_of(second, quota_bytes=0), True, 0)):
        assert (
            loser.transaction(lambda session, it=loser: run_job._succeed(session, it, None, None, [norms]))
            == moved
        )
        assert rows(database) == kept


def test_a_file_that_is_sent_for_the_first_time_is_progress(
    service: Service, database: Database, claim: lifecycle.Claim, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"1")
    stored = service.store.put_file("jobs/b", tmp_path / "file")

    def lost_attempts_after_sending() -> int:
        with database.begin() as session:
            session.execute(update(Job).values(lost_attempts=2))
            assert attempt_files.record_sent_file(session, claim, "b", stored)
        with database.begin() as session:
            return session.get_one(Job, claim.job_id).lost_attempts

    assert [lost_attempts_after_sending() for _ in range(2)] == [0, 2]
