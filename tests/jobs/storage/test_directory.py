"""A store in a directory: its disk, its links, and what is left of killed processes."""

import asyncio
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import obstore
import pytest
from obstore.store import LocalStore

from jobs.storage.errors import FileUnusable, NotStored, StoreFull, StoreUnreachable
from jobs.storage.store import Store, StoredObject
from tests.jobs.storage.test_store import in_pieces, small
from tests.stack import directory_store


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store(directory_store(tmp_path))


def test_a_file_and_its_directories_are_on_the_disk_when_it_counts_as_written(
    local: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, fsync = tmp_path / "store", os.fsync
    synced: set[int] = set()

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", noted)
    local.put_file("jobs/1/a", small(tmp_path))
    paths = [top, top / "jobs", top / "jobs" / "1", top / "jobs" / "1" / "a"]
    assert synced == {path.stat().st_ino for path in paths}
    asyncio.run(local.put_stream("uploads/b", in_pieces(b"content"), at_most=7))
    assert {path.stat().st_ino for path in (top / "uploads", top / "uploads" / "b")} <= synced


@pytest.mark.parametrize(
    ("number", "raised"),
    [
        (errno.EIO, StoreUnreachable),
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EINVAL, None),
    ],
)
def test_a_file_that_does_not_get_to_the_disk_does_not_count_as_written(
    local: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, raised: type[Exception] | None
) -> None:
    """Of a file system that cannot sync, there is nothing to wait for (EINVAL)."""

    def failing(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(raised) if raised else nullcontext():
        local.put_file("a", small(tmp_path))


_KILLED_WHILE_IT_WRITES = """
import os, sys
import obstore
from obstore.store import LocalStore
writer = obstore.open_writer(LocalStore(sys.argv[1]), sys.argv[2], buffer_size=1024)
writer.write(bytes(5000))
writer.flush()
os._exit(9)  # as kill -9 ends it
"""


def leave_unfinished(store: Path, key: str) -> None:
    subprocess.run([sys.executable, "-c", _KILLED_WHILE_IT_WRITES, store, key], check=False)


def test_unfinished_files_of_killed_processes_are_listed_and_deleted(local: Store, tmp_path: Path) -> None:
    local.put_file("jobs/2/a", small(tmp_path))
    leave_unfinished(tmp_path / "store", "jobs/1/a")
    (left,) = (tmp_path / "store" / "jobs" / "1").iterdir()
    assert [found.key for found in local.list("jobs/1")] == [f"jobs/1/{left.name}"]
    assert len(list(local.list("jobs"))) == 2
    for found in local.list("jobs/1"):
        local.delete(found.key)
    assert (list(local.list("jobs/1")), left.exists()) == ([], False)


@pytest.mark.parametrize("is_complete", [False, True])
def test_with_a_file_goes_what_killed_processes_have_left_of_it(
    local: Store, tmp_path: Path, is_complete: bool
) -> None:
    for key in ("uploads/a.txt", "uploads/a.txt", "uploads/a"):
        leave_unfinished(tmp_path / "store", key)
    if is_complete:
        local.put_file("uploads/a.txt", small(tmp_path))
    assert len(list(local.list("uploads"))) == 3 + is_complete
    local.delete("uploads/a.txt")
    assert [found.key for found in local.list("uploads")] == ["uploads/a#1"]


def test_a_file_renamed_during_the_listing_does_not_end_it(
    local: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lstat = Path.lstat
    local.put_file("jobs/1/b", small(tmp_path))
    (tmp_path / "store" / "jobs" / "1" / "a#1").touch()

    def renamed_before(self: Path) -> os.stat_result:
        if self.name == "a#1":
            self.rename(self.with_name("a"))
        return lstat(self)

    monkeypatch.setattr(Path, "lstat", renamed_before)
    assert [found.key for found in local.list("jobs/1")] == ["jobs/1/b"]


def test_a_directory_in_place_of_a_file_is_no_file(local: Store, tmp_path: Path) -> None:
    (tmp_path / "store" / "jobs" / "1").mkdir(parents=True)
    opened = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(NotStored):
        local.stream("jobs/1")
    assert len([*Path("/proc/self/fd").iterdir()]) == opened


@pytest.mark.threat
def test_no_link_in_a_directory_leads_out_of_it(local: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_bytes(b"secret")
    local.put_file("jobs/1/a", small(tmp_path))
    job = tmp_path / "store" / "jobs" / "1"
    (job / "file").symlink_to(secret / "key")
    (job / "directory").symlink_to(secret)
    for key in ("jobs/1/file", "jobs/1/directory/key", "../secret/key"):
        for part in (None, (0, 6)):
            with pytest.raises(StoreUnreachable, match="the operator must check it"):
                local.stream(key, part)
        with pytest.raises(StoreUnreachable, match="the operator must check it"):
            local.download(key, tmp_path / "copy")
    assert [found.key for found in local.list("jobs")] == ["jobs/1/a"]
    assert b"".join(local.stream("jobs/1/a", (2, 5))) == b"nte"


@pytest.mark.parametrize("part", ["jobs", "jobs/1", "jobs/1/a#b", "jobs/10/z", "nothing"])
def test_a_directory_is_walked_once_and_lists_what_the_library_does(
    local: Store, tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("1/a b", "1/ü", "1/100%", "1/a%20b", "1/[x]", "1/a#b/c", "10/z"):
        local.put_file(f"jobs/{name}", small(tmp_path))
    of_library = LocalStore(tmp_path / "store")
    expected = {each["path"] for batch in obstore.list(of_library, part) for each in batch}
    scanned: list[str] = []
    scandir = os.scandir

    def noted(path: str) -> Iterator[os.DirEntry[str]]:
        scanned.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)
    monkeypatch.setattr(obstore, "list", None)
    found = [each.key for each in local.list(part)]
    assert sorted(found) == sorted(expected)
    assert len(scanned) == len(set(scanned))


def test_a_directory_that_cannot_be_read_is_no_empty_one(
    local: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.put_file("jobs/1/a", small(tmp_path))

    def refused(path: str) -> Iterator[os.DirEntry[str]]:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(StoreUnreachable, match="a directory of the store cannot be read \\(EACCES\\)"):
        list(local.list("jobs"))


_ON_A_READ_ONLY_DISK = """
mount -t tmpfs none "$1" && mkdir "$1/store" && echo 1 > "$1/store/a" && mount -o remount,ro "$1"
exec "$2" - "$1" <<'END'
import sys
from pathlib import Path
from jobs.storage.errors import StoreUnreachable
from jobs.storage.store import Store
store = Store(f"file://{sys.argv[1]}/store")
for use in (lambda: store.put_file("b/c", Path(sys.argv[1], "store", "a")), lambda: store.delete("a")):
    try:
        use()
    except StoreUnreachable as error:
        print(error)
END
"""


def test_a_directory_on_a_read_only_disk_is_called_so(tmp_path: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*alone, 'mount -t tmpfs none "$1"', "sh", tmp_path], check=False).returncode:
        pytest.skip("this machine does not allow users to mount a disk")
    run = subprocess.run(
        [*alone, _ON_A_READ_ONLY_DISK, "sh", tmp_path, sys.executable],
        check=True,
        capture_output=True,
        text=True,
    )
    said = "the store's directory (STORE_URL) is read-only (EROFS); the operator must make it writable"
    assert run.stdout.splitlines() == [said, said]


USES: list[Callable[[Store], object]] = [
    lambda store: b"".join(store.stream("a/b")),
    lambda store: store.head("a/b"),
    lambda store: list(store.list("a")),
    lambda store: store.delete("a/b"),
    lambda store: store.delete("a/b#1"),
]


def test_a_missing_directory_is_no_empty_store_and_is_not_made(local: Store, tmp_path: Path) -> None:
    """Its disk is not mounted, say: what were written in its place would be lost once it is."""
    kept = local.put_file("a/b", small(tmp_path))
    (tmp_path / "store").rename(tmp_path / "away")
    for opened in (local, Store(f"file://{tmp_path}/store")):
        for use in USES:
            with pytest.raises(
                StoreUnreachable, match=r"directory \(STORE_URL\) is missing; the operator must"
            ):
                use(opened)
        with pytest.raises(StoreUnreachable, match="is missing"):
            opened.put_file("a/c", small(tmp_path))
    assert not (tmp_path / "store").exists()
    (tmp_path / "away").rename(tmp_path / "store")
    assert local.head("a/b") == StoredObject("a/b", kept.size)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOTCONN, errno.ESTALE, errno.EACCES])
def test_a_directory_whose_disk_or_server_fails_is_away(
    local: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    stat = Path.stat

    def failing(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if self == tmp_path / "store":
            raise OSError(number, os.strerror(number))
        return stat(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", failing)
    for use in USES:
        with pytest.raises(StoreUnreachable, match=errno.errorcode[number]) as raised:
            use(local)
        assert not isinstance(raised.value, FileUnusable)


def test_an_unfinished_file_that_cannot_be_deleted_is_reported_as_unusable(
    local: Store, tmp_path: Path
) -> None:
    (tmp_path / "store" / "a#1").mkdir(parents=True)
    with pytest.raises(FileUnusable, match="EISDIR"):
        local.delete("a#1")


def test_what_else_the_system_says_of_a_directory_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a").write_text("no directory")
    with pytest.raises(
        StoreUnreachable, match=r"\(STORE_URL\) cannot be used \(ENOTDIR, Not a directory\); the"
    ):
        Store(f"file://{tmp_path}/store").put_file("a/b", tmp_path / "store" / "a")
