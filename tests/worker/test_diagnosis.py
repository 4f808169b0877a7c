"""Failures of one machine alone: a disk that others fill, no way to the store."""

import tempfile
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from jobs import limits
from jobs.queue import workers
from jobs.states import JobState
from jobs.storage.errors import StoreUnreachable
from jobs.tables import Worker
from pruning.pipeline.resources import DiskTooSmall
from tests.worker.one_job import Service, last_reason
from worker.attempt import attempt


@pytest.fixture(autouse=True)
def no_waits(short_waits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "_STORE_TIMEOUT_SECONDS", 0.0)


def quarantined_for(session: Session, service: Service) -> str | None:
    worker = session.get_one(Worker, service.worker.name)
    return worker.fault if worker.quarantined_at is not None else None


def scratch_of(session: Session, service: Service) -> int:
    found = workers.capacity_of(session, service.worker.name)
    assert found is not None
    return found.scratch_bytes


def test_a_job_waits_for_room_on_a_disk_that_has_less_than_at_the_start(
    service: Service, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MIN_FREE_DISK_BYTES", 0)
    needed, written = 10**9, 10**6

    def too_small() -> None:
        scratch = service.settings.work_dir / str(job_id) / "1"
        (scratch / "fetched").write_bytes(bytes(written))
        raise DiskTooSmall("shards", scratch, needed=needed, free=1)

    service.library.in_the_middle = too_small
    for _ in range(2):  # the second time it is not claimed
        job = service.run(job_id)
        assert (job.state, job.attempt, job.lost_attempts) == (JobState.QUEUED, 1, 0)
    assert "shards need 1 GB, and the disk of " in str(last_reason(service, job_id))
    assert job.needs["cpu_scratch_bytes"] == needed + written
    with service.database.begin() as session:
        assert quarantined_for(session, service) is None
        assert scratch_of(session, service) < needed + written
        workers.record_scratch(session, service.worker.name, needed + written, if_more=True)
    service.library.in_the_middle = lambda: None
    assert service.run(job_id).state == JobState.SUCCEEDED


def test_what_must_stay_free_for_a_job_to_go_on_is_no_room_for_its_files(
    service: Service, job_id: UUID
) -> None:
    assert service.run(job_id).state == JobState.SUCCEEDED
    assert service.library.calls[0].min_free_disk_bytes == limits.MIN_FREE_DISK_BYTES


def test_less_room_than_is_known_is_left_to_the_job_that_meets_it(service: Service) -> None:
    """What jobs have left on the disk, their next attempts may use."""
    with service.database.begin() as session:
        before = scratch_of(session, service)
        workers.record_scratch(session, service.worker.name, before - 1, if_more=True)
        assert scratch_of(session, service) == before


def test_a_disk_of_the_hubs_cache_that_is_too_small_fails_the_job(service: Service, job_id: UUID) -> None:
    def too_small() -> None:
        raise DiskTooSmall("the weights to download", Path("/proc/self"), needed=2, free=1)

    service.library.in_the_middle = too_small
    job = service.run(job_id)
    assert job.state == JobState.FAILED
    assert job.error is not None
    assert (job.error["type"], job.error["cause"]) == ("impossible", "request")


@pytest.mark.parametrize("is_away", [True, False])
def test_a_worker_that_does_not_reach_the_store_is_quarantined_until_it_does(
    service: Service, job_id: UUID, is_away: bool
) -> None:
    store = Path(service.settings.store_url.removeprefix("file://"))

    def fail() -> None:
        if is_away:
            store.rename(Path(tempfile.mkdtemp(dir=store.parent)) / "away")
        raise StoreUnreachable("the store does not answer")

    service.library.in_the_middle = fail
    job = service.run(job_id)
    assert (job.state, job.awaited, job.outage_of("store")[1]) == (JobState.QUEUED, "store", 1)
    with service.database.begin() as session:
        fault = quarantined_for(session, service)
        assert session.get_one(Worker, service.worker.name).faults == 0
    assert (fault or "").startswith("the store cannot be used") is is_away
