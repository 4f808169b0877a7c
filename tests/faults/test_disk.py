"""A full disk, and a store that returns damaged bytes."""

import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest
import redis
from fastapi.testclient import TestClient
from sqlalchemy import NullPool, create_engine, func, select
from sqlalchemy.orm import sessionmaker

import migrations
from api.app import create_app
from api.problems.catalogue import DISK_FULL
from api.readiness import Readiness
from cli.embedded.postgres import Postgres
from cli.embedded.valkey import Valkey
from jobs.access import api_keys
from jobs.database import sqlalchemy_url
from jobs.lifecycle import attempt_files, lifecycle, owner_moves
from jobs.queue import waiting
from jobs.queue.waiting import Waits, WaitsFor
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.storage.store import Store
from jobs.tables import JobBlock, Worker
from pruning.recipe import Stage
from tests.faults.conftest import Judge
from tests.faults.damage import damage_stored
from tests.jobs.queue.fleet import register
from tests.small_disk import mounted
from tests.stack import Stack, directory_store, signal_to


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "small", "size=64m") as directory:
        yield directory


@pytest.fixture
def postgres_on_a_disk(tmp_path: Path) -> Iterator[Postgres]:
    with (
        mounted(tmp_path / "database", "size=200m") as directory,
        Postgres(directory / "postgres") as server,
    ):
        migrations.upgrade(server.url)
        yield server


@contextmanager
def filled(directory: Path) -> Iterator[None]:
    filler = directory / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(directory).free))
    yield
    filler.unlink()


@pytest.mark.nightly
def test_a_full_disk_is_reported_with_numbers_and_the_job_waits_for_room(
    stack: Stack, judge: Judge, small_disk: Path
) -> None:
    stack.environment["PRUNESERVE_WORK_DIR"] = str(small_disk / "work")
    stack.limit(MIN_FREE_DISK_BYTES=0)  # or the job would not even start
    stack.start_scheduler()
    worker = stack.start_worker()
    stack.wait_until(lambda: has_said_its_room(stack))
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 100_000))
    job_id = stack.submit(stack.spec())
    stack.wait_for(job_id, lambda job: job.state == JobState.QUEUED and job.attempt == 1)
    reason = str(getattr(stack.events(job_id)[-1].data, "reason", ""))
    assert re.search(r"need .* and the disk of .* free \d", reason), reason
    filler.unlink()
    worker.stop()
    stack.start_worker()  # without it the room is found within five minutes
    judge("full disk, then room", 1, [job_id])


@pytest.mark.nightly
def test_a_damaged_shard_is_computed_again(stack: Stack, judge: Judge, store_url: str) -> None:
    stack.start_scheduler()
    worker = stack.start_worker()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until(lambda: bool(pruned_blocks(stack, job_id)))
    signal_to(worker, signal.SIGKILL, children=True)
    damaged = pruned_blocks(stack, job_id)[0].key
    damage_stored(Store(store_url), damaged)
    stack.expire_lease(job_id)
    stack.start_worker()
    stack.wait_until(lambda: pruned_blocks(stack, job_id)[0].key != damaged)
    judge("corrupted shard", 1, [job_id])
    assert stack.job(job_id).attempt == 2


def has_said_its_room(stack: Stack) -> bool:
    """Whether a worker has recorded what it has room for: a job that needs more waits for another one."""
    with stack.database.begin() as session:
        return session.scalars(select(func.count()).where(Worker.capacity.is_not(None))).one() > 0


def pruned_blocks(stack: Stack, job_id: UUID) -> list[JobBlock]:
    with stack.database.begin() as session:
        return [row for row in attempt_files.finished_blocks(session, job_id) if row.stage == Stage.PRUNE]


@pytest.mark.nightly
def test_a_full_store_is_reported_while_a_job_waits_in_the_queue_for_space(
    stack: Stack, judge: Judge, small_disk: Path
) -> None:
    stack.environment["STORE_URL"] = directory_store(small_disk)
    stack.start_scheduler()
    stack.start_worker()
    stack.wait_until(lambda: has_said_its_room(stack))  # one that finds the store full takes no jobs
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - 4096))
    job_id = stack.submit(stack.spec())
    job = stack.wait_for(job_id, lambda job: job.next_try_at is not None)
    with stack.database.begin() as session:
        (wait,) = Waits(30.0).of(session, [job]).values()
    assert (job.state, wait.reason) == (JobState.QUEUED, WaitsFor.STORE)
    assert job.waiting_for == "the store is full"
    filler.unlink()
    judge("full store, then room", 1, [job_id])
    job = stack.job(job_id)
    assert (job.state, job.lost_attempts, job.next_try_at) == (JobState.SUCCEEDED, 0, None)


def test_a_full_disk_of_the_database_is_reported(
    postgres_on_a_disk: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Readiness, "cache_seconds", 0.0)
    monkeypatch.setattr(waiting, "QUEUE_CACHE_TTL", 0.0)
    database = sessionmaker(create_engine(sqlalchemy_url(postgres_on_a_disk.url), poolclass=NullPool))
    spec = {"model": "org/name", "method": "gblm", "sparsity": 0.5}
    with database.begin() as session:
        key = api_keys.create(session, "ada", "test", api_keys.SCOPES)[1]
        queued, running = (
            owner_moves.create(session, "ada", JobSpec.model_validate({"recipe": spec})).id for _ in range(2)
        )
        register(session, "worker")
        assert lifecycle.claim(session, running, "worker", 3600)
    settings = Settings(DATABASE_URL=postgres_on_a_disk.url, STORE_URL=directory_store(tmp_path))
    settings = settings.model_copy(update={"allowed_hosts": ("testserver",)})
    with TestClient(create_app(settings), headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.get("/readyz").status_code == 200
        before = client.get(f"/v1/jobs/{queued}").json()["waiting"]["reason"]
        with filled(postgres_on_a_disk.directory.parent):
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["detail"]) == (503, DISK_FULL)
            for job_id in (queued, running):
                said = client.get(f"/v1/jobs/{job_id}").json()["waiting"]
                assert (said["reason"], said["message"]) == (
                    "database",
                    "the database's disk is full; the operator must make room",
                )
        assert client.get("/readyz").status_code == 200
        assert client.get(f"/v1/jobs/{queued}").json()["waiting"]["reason"] == before
        assert client.get(f"/v1/jobs/{running}").json()["waiting"] is None

        body = spec | {"name": "n" * 100}
        with filled(postgres_on_a_disk.directory.parent):
            for _ in range(200):  # until the pages that it has are full
                answer = client.post("/v1/jobs", json=body)
                if answer.status_code != 201:
                    break
        assert (answer.status_code, answer.json()["detail"]) == (503, DISK_FULL)
        assert client.post("/v1/jobs", json=body).status_code == 201


def test_a_broker_that_refuses_to_write_counts_as_started(tmp_path: Path) -> None:
    with (
        mounted(tmp_path / "broker", "size=16m") as directory,
        Valkey(directory / "valkey") as server,
        redis.Redis.from_url(server.url) as client,
        filled(directory),
    ):
        with suppress(redis.ResponseError):
            for number in range(100):
                client.set(f"{number}", bytes(10_000))
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.ping()
        assert server._is_ready()
