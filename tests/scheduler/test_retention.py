"""What has expired is deleted; files that a row names, or that a running attempt still writes, stay."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func, insert, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from jobs import limits
from jobs.access import api_keys, page_sessions
from jobs.lifecycle import event_log, idempotency, lifecycle, owner_moves, sent_files
from jobs.lifecycle.events import JobError, StageStarted, StepFinished
from jobs.lifecycle.lifecycle import Claim, FinishedArtifact
from jobs.retention import named_keys
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.storage import uploads
from jobs.storage.errors import FileUnusable, StoreError, StoreFull, StoreRefused, StoreUnreachable
from jobs.storage.store import Store, StoredFile, attempt_prefix
from jobs.tables import (
    ApiKey,
    Artifact,
    DeletedJob,
    IdempotencyKey,
    Job,
    JobBlock,
    JobEvent,
    SentFile,
    StrayUpload,
)
from pruning.recipe import Stage
from scheduler import retention as module
from scheduler.retention import Retention

Database = sessionmaker[Session]
Submit = Callable[[], UUID]

LONG_AGO = text("clock_timestamp() - interval '100 days'")
REPORT = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "sparsity": {"overall": 0.5}}


@pytest.fixture(autouse=True)
def orphaned_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ORPHANED_FILE_SECONDS", 0.0)


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.store_url)


@pytest.fixture
def retention(settings: Settings, database: Database, store: Store) -> Retention:
    return Retention(database, settings.model_copy(update={"artifact_days": 30.0}), store)


@pytest.fixture
def put(store: Store, tmp_path: Path) -> Callable[[UUID, int, str], str]:
    """Stores a file of an attempt and returns its key."""
    path = tmp_path / "file"
    path.write_bytes(b"bytes")

    def put(job_id: UUID, attempt: int, name: str) -> str:
        return store.put_file(f"{attempt_prefix(job_id, attempt)}/{name}", path).key

    return put


Put = Callable[[UUID, int, str], str]


def take(database: Database, job_id: UUID) -> Claim:
    with database.begin() as session:
        claim = lifecycle.claim(session, job_id, "w1", 3000)
    assert claim is not None
    return claim


def keep_block(database: Database, claim: Claim, block: int, key: str) -> None:
    with database.begin() as session:
        row = {"job_id": claim.job_id, "stage": "prune", "block": block, "attempt": claim.attempt, "key": key}
        session.execute(insert(JobBlock).values(**row, sha256="00" * 32, size=5, numerics_key={}))


def stored(store: Store) -> set[str]:
    return {found.key for found in store.list("jobs")}


Counted = JobBlock | Artifact | DeletedJob | IdempotencyKey | SentFile


def rows(database: Database, table: type[Counted]) -> int:
    with database.begin() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def test_orphaned_files_are_deleted_and_those_of_a_running_attempt_stay(
    retention: Retention, database: Database, submit: Submit, store: Store, put: Put
) -> None:
    claim = take(database, submit())
    block, partial = (put(claim.job_id, 1, f"blocks/{name}") for name in ("named", "partial"))
    keep_block(database, claim, 0, block)
    retention.round()
    assert stored(store) == {block, partial}, "an attempt that is running may be about to name its file"
    with database.begin() as session:
        assert lifecycle.hand_back(session, claim, "for the test")
    again = take(database, claim.job_id)
    fresh = put(again.job_id, 2, "blocks/fresh")
    retention.round()
    assert stored(store) == {block, fresh}
    with database.begin() as session:
        assert session.get_one(Job, claim.job_id).orphaned_files_since is None


def test_a_file_that_becomes_an_artifact_meanwhile_is_named_at_every_moment(
    database: Database, submit: Submit, store: Store, put: Put
) -> None:
    """The job succeeds after whichever statement reads the names first."""
    claim = take(database, submit())
    key = put(claim.job_id, 1, "output/a")
    file = store.head(key)
    assert file is not None
    with database.begin() as session:
        assert sent_files.sent(session, claim, "a", StoredFile(key, file.size, "00" * 32))

    def succeed(*statement: object) -> None:
        with database.begin() as other:
            artifact = FinishedArtifact("a", key, file.size, "00" * 32)
            assert lifecycle.succeed(other, claim, REPORT, [artifact])

    with database.begin() as session:
        event.listen(session.connection(), "after_cursor_execute", succeed, once=True)
        assert named_keys(session, claim.job_id) == {key}
    with database.begin() as session:
        assert named_keys(session, claim.job_id) == {key}
        assert sent_files.of_job(session, claim.job_id) == []


ENDS = ["deleted", "cancelled in the queue", "succeeded without it"]


def test_a_job_that_never_began_leaves_nothing_to_look_for_when_it_is_cancelled(
    database: Database, claim: Claim, spec: JobSpec
) -> None:
    with database.begin() as session:
        waiting = owner_moves.create(session, "ada", spec).id
        assert owner_moves.cancel(session, "ada", waiting)
        assert session.get_one(Job, waiting).orphaned_files_since is None


def test_orphaned_files_stay_until_they_are_old_enough(
    settings: Settings,
    database: Database,
    claim: Claim,
    store: Store,
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "ORPHANED_FILE_SECONDS", 3600.0)
    key = put(claim.job_id, 1, "output/model.safetensors")
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
    Retention(database, settings, store).round()
    assert stored(store) == {key}
    with database.begin() as session:
        session.execute(update(Job).values(orphaned_files_since=LONG_AGO))
    Retention(database, settings, store).round()
    assert stored(store) == set()


def test_a_succeeded_job_keeps_its_artifacts_until_they_expire(
    retention: Retention, database: Database, claim: Claim, store: Store, put: Put
) -> None:
    block, model = put(claim.job_id, 1, "blocks/0"), put(claim.job_id, 1, "output/model")
    keep_block(database, claim, 0, block)
    with database.begin() as session:
        artifact = FinishedArtifact("model", model, 5, "00" * 32)
        assert lifecycle.succeed(session, claim, REPORT, [artifact])
    retention.round()
    assert stored(store) == {model}
    assert rows(database, JobBlock) == 0
    with database.begin() as session:
        session.execute(update(Job).values(ended_at=LONG_AGO))
        before = session.get_one(Job, claim.job_id).last_event
    retention.round()
    assert (stored(store), rows(database, Artifact)) == (set(), 0)
    with database.begin() as session:
        job = session.get_one(Job, claim.job_id)
        (event,) = event_log.since(session, claim.job_id, before)
    assert job.artifacts_expired_at is not None
    assert (event.id, event.kind) == (job.last_event, "log")


def test_a_failed_job_keeps_its_finished_blocks_for_a_retry_for_a_while(
    retention: Retention, database: Database, claim: Claim, store: Store, put: Put
) -> None:
    block = put(claim.job_id, 1, "blocks/0")
    keep_block(database, claim, 0, block)
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
    retention.round()
    assert stored(store) == {block}
    with database.begin() as session:
        session.execute(update(Job).values(ended_at=LONG_AGO))
        session.execute(update(JobBlock).values(finished_at=LONG_AGO))
    retention.round()
    assert (stored(store), rows(database, JobBlock)) == (set(), 0)


def test_old_idempotency_keys_are_deleted(retention: Retention, database: Database, spec: JobSpec) -> None:
    def make() -> Job:
        return owner_moves.create(session, "ada", spec)

    with database.begin() as session:
        for key in ("old", "new"):
            idempotency.make_once(session, "ada", key, b"{}", Job, make)
        session.execute(update(IdempotencyKey).where(IdempotencyKey.key == "old").values(created_at=LONG_AGO))
    retention.round()
    with database.begin() as session:
        assert session.scalars(select(IdempotencyKey.key)).all() == ["new"]
        _, created = idempotency.make_once(session, "ada", "old", b"{}", Job, make)
    assert created


def test_progress_events_of_jobs_that_ended_long_ago_are_deleted(
    retention: Retention, database: Database, submit: Submit
) -> None:
    ended, running = take(database, submit()), take(database, submit())
    with database.begin() as session:
        for claim in (ended, running):
            lifecycle.record(session, claim, StageStarted(attempt=1, stage=Stage.PRUNE, steps=2))
            lifecycle.record(session, claim, StepFinished(attempt=1, stage=Stage.PRUNE, step=1, steps=2))
        assert lifecycle.fail(session, ended, JobError(type="internal", message="no"))
        session.execute(update(JobEvent).values(at=LONG_AGO))
    retention.round()
    with database.begin() as session:
        kinds = [[event.kind for event in event_log.since(session, c.job_id, 0)] for c in (ended, running)]
    assert kinds == [["state", "state", "stage", "state"], ["state", "state", "stage", "progress"]]


def test_several_schedulers_share_the_work(
    settings: Settings, database: Database, submit: Submit, store: Store, put: Put
) -> None:
    for _ in range(12):
        claim = take(database, submit())
        put(claim.job_id, 1, "output/model")
        with database.begin() as session:
            assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
            session.execute(update(Job).values(orphaned_files_since=LONG_AGO))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Retention(database, settings, store).round(), range(4)))
    assert stored(store) == set()
    with database.begin() as session:
        assert session.scalars(select(Job.id).where(Job.orphaned_files_since.is_not(None))).all() == []


def test_files_that_are_no_uploads_are_deleted(
    database: Database, retention: Retention, store: Store, tmp_path: Path
) -> None:
    """The request of one file died, one was deleted, one is still being sent, and one is an upload."""
    (tmp_path / "text").write_text("text")
    stored = {
        name: store.put_file(f"uploads/{name}", tmp_path / "text")
        for name in ("died", "deleted", "coming", "kept", "of another database")
    }
    with database.begin() as session:
        for name in ("died", "deleted", "coming", "kept"):
            uploads.announce(session, "ada", stored[name].key, size=10, quota=100)
        session.flush()
        session.execute(update(StrayUpload).where(StrayUpload.key == "uploads/died").values(since=LONG_AGO))
        uploads.add(session, "ada", "kept", "txt", stored["kept"], 100)
        deleted, _ = uploads.add(session, "eve", "deleted", "txt", stored["deleted"], 100)
        assert uploads.remove(session, "eve", deleted.id) is not None
    retention.round()
    left = {found.key.removeprefix("uploads/") for found in store.list("uploads")}
    assert left == {"coming", "kept", "of another database"}
    with database.begin() as session:
        assert session.scalars(select(StrayUpload.key)).all() == ["uploads/coming"]


def test_a_file_that_cannot_be_deleted_keeps_no_other_from_its_turn(
    database: Database,
    retention: Retention,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "text").write_text("text")
    names = ["undeleted", "b", "c"]
    with database.begin() as session:
        for days, name in enumerate(names):
            key = store.put_file(f"uploads/{name}", tmp_path / "text").key
            since = func.now() - func.make_interval(0, 0, 0, 10 - days)
            uploads.announce(session, "ada", key, size=1, quota=10)
            session.flush()
            session.execute(update(StrayUpload).where(StrayUpload.key == key).values(since=since))
    delete = Store.delete

    def undeleted(self: Store, key: str) -> None:
        if key == "uploads/undeleted":
            raise StoreUnreachable("for the test")
        delete(self, key)

    monkeypatch.setattr(module, "_FILES_PER_ROUND", 1)
    monkeypatch.setattr(Store, "delete", undeleted)
    for name in names:
        with pytest.raises(StoreUnreachable) if name == "undeleted" else nullcontext():
            retention.round()
    with database.begin() as session:
        left = session.scalars(select(StrayUpload.key).order_by(StrayUpload.since)).all()
        assert left == ["uploads/undeleted"]
        assert uploads.announce(session, "ada", "uploads/new", size=10, quota=10) == 10


def abandon(database: Database, *keys: str) -> None:
    with database.begin() as session:
        for key in keys:
            uploads.announce(session, "ada", key, size=1, quota=10)
            uploads.abandon_upload(session, key)


@pytest.mark.parametrize("names", ["stuck, a, b", "a, stuck, b"])
def test_a_file_that_cannot_be_deleted_keeps_none_of_its_round(
    database: Database, retention: Retention, store: Store, tmp_path: Path, names: str
) -> None:
    """A directory in the place of a file: no user can delete it as one."""
    (tmp_path / "text").write_text("text")
    keys = [f"uploads/{name}" for name in names.split(", ")]
    for key in keys:
        store.put_file(f"{key}/file" if key == "uploads/stuck" else key, tmp_path / "text")
    abandon(database, *keys)
    for _ in range(2):
        with pytest.raises(StoreUnreachable, match="EISDIR"):
            retention.round()
        assert {found.key for found in store.list("uploads")} == {"uploads/stuck/file"}
        with database.begin() as session:
            assert session.scalars(select(StrayUpload.key)).all() == ["uploads/stuck"]


@pytest.mark.parametrize("error", [FileUnusable, StoreRefused])
def test_a_deleted_jobs_file_that_cannot_be_deleted_keeps_nothing_else_of_the_round(
    database: Database,
    retention: Retention,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[StoreError],
) -> None:
    (tmp_path / "text").write_text("text")
    stuck, other = sorted((uuid4(), uuid4()))
    for job_id in (stuck, other):
        store.put_file(f"jobs/{job_id}/a", tmp_path / "text")
    store.put_file("uploads/a", tmp_path / "text")
    abandon(database, "uploads/a")
    with database.begin() as session:
        session.add_all(
            DeletedJob(job_id=job_id, look_at=LONG_AGO, by_retention=False) for job_id in (stuck, other)
        )
    delete = Store.delete

    def undeleted(self: Store, key: str) -> None:
        if str(stuck) in key:
            raise error("for the test")
        delete(self, key)

    monkeypatch.setattr(Store, "delete", undeleted)
    with pytest.raises(error, match="for the test"):
        retention.round()
    assert [found.key for found in store.list("")] == [f"jobs/{stuck}/a"]


@pytest.mark.parametrize(
    ("error", "tried"), [(StoreRefused, 3), (FileUnusable, 3), (StoreUnreachable, 1), (StoreFull, 1)]
)
def test_a_store_that_is_away_is_asked_once_a_round_and_one_that_refuses_for_each_file(
    database: Database,
    retention: Retention,
    monkeypatch: pytest.MonkeyPatch,
    error: type[StoreError],
    tried: int,
) -> None:
    keys = ["uploads/a", "uploads/b", "uploads/c"]
    abandon(database, *keys)
    asked: list[str] = []

    def delete(_: Store, key: str) -> None:
        asked.append(key)
        raise error(f"for the test: {key}")

    monkeypatch.setattr(Store, "delete", delete)
    with pytest.raises(error) as first:
        retention.round()
    assert str(first.value) == f"for the test: {asked[0]}"
    assert len(asked) == tried
    with database.begin() as session:
        assert sorted(session.scalars(select(StrayUpload.key))) == keys


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_keys_that_have_ended_are_deleted_once_they_have_made_no_other(
    retention: Retention, database: Database, end: str
) -> None:
    with database.begin() as session:
        ids = {}
        for name in ("maker", "made", "alone", "just now", "valid"):
            row, _ = api_keys.create_row(session, "ada", name, api_keys.SCOPES)
            ids[name] = row.id
        session.execute(update(ApiKey).where(ApiKey.name == "made").values(created_by=ids["maker"]))
        session.execute(update(ApiKey).where(ApiKey.name == "just now").values({end: func.now()}))
        old = ApiKey.name.in_(["maker", "made", "alone"])
        session.execute(update(ApiKey).where(old).values({end: LONG_AGO}))
        page_sessions.start(session, ids["alone"])

    def left() -> set[str]:
        with database.begin() as session:
            return set(session.scalars(select(ApiKey.name)))

    retention.round()
    assert left() == {"maker", "just now", "valid"}
    retention.round()
    assert left() == {"just now", "valid"}


def test_what_is_being_deleted_does_not_become_an_upload(
    database: Database, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("text")
    stored = store.put_file("uploads/slow", tmp_path / "text")
    with database.begin() as session:
        uploads.announce(session, "ada", stored.key, size=10, quota=100)
        session.flush()
        session.execute(update(StrayUpload).values(since=LONG_AGO))
        assert uploads.mark_pending_delete(session, 10) == [stored.key]
    with database.begin() as session, pytest.raises(uploads.Abandoned):
        uploads.add(session, "ada", "slow", "txt", stored, 100)
    with database.begin() as session:
        uploads.forget_deleted(session, [stored.key])
    with database.begin() as session, pytest.raises(uploads.Abandoned):
        uploads.add(session, "ada", "slow", "txt", stored, 100)
