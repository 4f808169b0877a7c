"""Abandoned uploads are deleted, and a file that cannot be deleted stops nothing else."""

from contextlib import nullcontext
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from jobs.database import Database
from jobs.storage import uploads
from jobs.storage.errors import (
    FileUnusable,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnreachable,
)
from jobs.storage.store import Store
from jobs.tables import (
    DeletedJob,
    StrayUpload,
)
from scheduler import retention as module
from scheduler.retention import Retention
from tests.scheduler.retention.files import LONG_AGO


def test_files_that_are_no_uploads_are_deleted(
    database: Database, retention: Retention, store: Store, tmp_path: Path
) -> None:
    """The request of one file died, one was deleted, one is still being sent, and one is an upload."""
    (tmp_path / "text").write_text("text")
    stored = {
        name: store.put_file(f"uploads/{name}", tmp_path / "text")
        for name in ("died", "deleted", "coming", "kept", "of another database")
    }
    (tmp_path / "store" / "uploads" / "died#1").write_text("te")  # of a process that was killed
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
    database: Database, retention: Retention, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
def test_a_file_that_cannot_be_deleted_does_not_stop_the_round(
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
        session.add_all(DeletedJob(job_id=job_id, delete_at=LONG_AGO) for job_id in (stuck, other))
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
    ("error", "tried"),
    [(StoreRefused, 3), (FileUnusable, 3), (StoreUnreachable, 1), (StoreDenied, 1), (StoreFull, 1)],
)
def test_an_unreachable_store_is_asked_once_a_round_a_refusing_one_per_file(
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
    assert str(first.value) == str(error(f"for the test: {asked[0]}"))
    assert len(asked) == tried
    with database.begin() as session:
        assert sorted(session.scalars(select(StrayUpload.key))) == keys


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
    with database.begin() as session, pytest.raises(uploads.UploadExpired):
        uploads.add(session, "ada", "slow", "txt", stored, 100)
    with database.begin() as session:
        uploads.forget_deleted(session, [stored.key])
    with database.begin() as session, pytest.raises(uploads.UploadExpired):
        uploads.add(session, "ada", "slow", "txt", stored, 100)
