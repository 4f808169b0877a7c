"""What an owner has in the store, compared with the sizes of the files that are really there."""

from dataclasses import astuple
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert

from jobs import caches
from jobs.database import Database
from jobs.lifecycle import attempt_files, lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim, FinishedArtifact
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.storage.store import Store, StoredFile, attempt_prefix
from jobs.stored_files import StoredBytes, stored_by
from jobs.tables import Artifact, Upload
from tests.claims import claimed
from tests.plans import explaining

REPORT = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "sparsity": {"overall": 0.5}}
KEY = {"schedule": "streamed"}


class Owners:
    """Jobs and uploads of several owners, with real files of sizes that no sum can confuse."""

    def __init__(self, database: Database, settings: Settings, directory: Path) -> None:
        self._database, self._file = database, directory / "file"
        self._store = Store(settings.store_url)
        self.directory = Path(urlsplit(settings.store_url).path)
        self._size = 1

    def put(self, key: str) -> StoredFile:
        self._file.write_bytes(b"x" * self._size)
        self._size *= 2
        return self._store.put_file(key, self._file)

    def running(self, owner: str, **recipe: object) -> Claim:
        body = {"model": "org/name", "method": "gblm", "sparsity": 0.5} | recipe
        with self._database.begin() as session:
            job = owner_moves.create(session, owner, JobSpec.model_validate({"recipe": body}))
            return claimed(session, job.id, "w1", 3000)

    def published(self, claim: Claim, *, others: int = 1) -> None:
        """Two blocks of a norm that later jobs use, others that are not published, and final states."""
        with self._database.begin() as session:
            caches.find_gradients(session, claim, [str(claim.job_id)])
            for number in range(2 + others):
                shard = self.put(f"{attempt_prefix(claim.job_id, 1)}/gradients/{number}")
                assert attempt_files.record_block(session, claim, "gradients", number, shard, KEY)
            assert caches.publish_gradients(session, claim, str(claim.job_id), "gradients", KEY, {0: 0, 1: 1})
            states = self.put(f"{attempt_prefix(claim.job_id, 1)}/states")
            assert attempt_files.record_block(session, claim, "evaluate", 0, states, KEY)
            caches.publish_perplexity(
                session, claim, str(claim.job_id), [1.0], states.sha256, most_bytes=2**40
            )

    def succeed(self, claim: Claim, *names: str) -> None:
        files = [(name, self.put(f"{attempt_prefix(claim.job_id, 1)}/{name}")) for name in names]
        artifacts = [FinishedArtifact(name, file.key, file.size, file.sha256) for name, file in files]
        with self._database.begin() as session:
            assert lifecycle.succeed(session, claim, REPORT, artifacts)

    def fail(self, claim: Claim) -> None:
        with self._database.begin() as session:
            assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))

    def upload(self, owner: str, ending: str) -> None:
        file = self.put(f"uploads/{owner}.{ending}")
        with self._database.begin() as session:
            row = {"owner": owner, "name": "n", "format": ending, "size": file.size, "key": file.key}
            session.add(Upload(**row, sha256=file.sha256))

    def orphan(self, claim: Claim) -> None:
        self.put(f"{attempt_prefix(claim.job_id, 7)}/orphan")

    def bytes_of(self, *jobs: UUID, uploads: str) -> int:
        """The sum over the files that are really there of some jobs, and of the uploads of an owner."""
        files = [path for job in jobs for path in (self.directory / "jobs" / str(job)).rglob("*")]
        files += (self.directory / "uploads").glob(f"{uploads}.*")
        return sum(path.stat().st_size for path in files if path.is_file() and path.name != "orphan")


@pytest.fixture
def owners(database: Database, settings: Settings, tmp_path: Path) -> Owners:
    return Owners(database, settings, tmp_path)


@pytest.mark.parametrize("end", ["running", "failed", "succeeded"])
def test_every_file_counts_once_whatever_it_is(database: Database, owners: Owners, end: str) -> None:
    job, norms = owners.running("ada"), owners.running("ada", method=None, sparsity=0, norms=["l1"])
    # Once a job has succeeded, its own blocks are orphaned, until the scheduler deletes them.
    owners.published(job, others=0 if end == "succeeded" else 1)
    if end == "failed":
        owners.fail(job)
    if end == "succeeded":
        owners.succeed(job, "model.safetensors", "report.json")
    owners.succeed(norms, "gradient_norms.safetensors")
    for ending in ("txt", "jsonl", "safetensors"):
        owners.upload("ada", ending)
    owners.orphan(job)
    others = owners.running("eve")
    owners.published(others)
    owners.upload("eve", "txt")
    with database.begin() as session:
        stored = stored_by(session, "ada")
        assert stored.total == owners.bytes_of(job.job_id, norms.job_id, uploads="ada")
        assert stored_by(session, "eve").total == owners.bytes_of(others.job_id, uploads="eve")
        assert stored_by(session, "nobody") == StoredBytes()
        assert sum(stored_by(session, owner).total for owner in ("ada", "eve")) == sum(
            path.stat().st_size
            for path in owners.directory.rglob("*")
            if path.is_file() and path.name != "orphan"
        )
        assert (stored.caches > 0, stored.finished_blocks > 0) == (True, end != "succeeded")


def test_files_of_results_are_added_up_without_sorting_them(
    engine: Engine, database: Database, owners: Owners
) -> None:
    job = owners.running("ada")
    owners.published(job)
    with database.begin() as session:
        file = {"job_id": job.job_id, "size": 1, "sha256": "ab"}
        session.execute(insert(Artifact), [file | {"name": f"{n}", "key": f"{n}"} for n in range(2000)])
    with explaining(engine) as asked, database.begin() as session:
        assert stored_by(session, "ada").artifacts == 2000
    assert sum(each.sorted for each in asked) < 20


def test_a_sum_has_every_kind() -> None:
    stored = StoredBytes(artifacts=1, norms=2, caches=4, finished_blocks=8, uploads=16)
    assert stored.total == sum(astuple(stored)) == 31
