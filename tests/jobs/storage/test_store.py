"""One store, in a directory and on a real S3 server."""

import asyncio
import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID

import obstore
import pytest
from obstore.store import LocalStore

from jobs.secret_files import WrongSettings
from jobs.storage.errors import (
    FileUnusable,
    NotStored,
    StoreDenied,
    StoreFull,
    StoreUnreachable,
)
from jobs.storage.store import Store, StoredFile, StoredObject, attempt_prefix
from tests.stack import directory_store


@pytest.fixture
def store(store_url: str) -> Store:
    return Store(store_url)


@pytest.fixture
def local(tmp_path: Path) -> Store:
    return Store(directory_store(tmp_path))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of more than one part."""
    path = tmp_path_factory.mktemp("files") / "large"
    path.write_bytes(os.urandom(1024 * 1024) * 40 + b"end")
    yield path
    path.unlink()


def small(tmp_path: Path, content: bytes = b"content") -> Path:
    path = tmp_path / "small"
    path.write_bytes(content)
    return path


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_large_file_comes_back_as_it_was(store: Store, large: Path, tmp_path: Path) -> None:
    written = store.put_file("a/large", large)
    assert written == StoredFile("a/large", large.stat().st_size, sha256(large))
    assert store.download("a/large", tmp_path / "back") == written
    assert sha256(tmp_path / "back") == written.sha256


@pytest.mark.parametrize("content", [b"", b"x"])
def test_a_very_small_file_comes_back_as_it_was(store: Store, tmp_path: Path, content: bytes) -> None:
    store.put_file("a/small", small(tmp_path, content))
    assert b"".join(store.stream("a/small")) == content


def test_a_file_is_replaced(store: Store, tmp_path: Path) -> None:
    store.put_file("a", small(tmp_path, b"first"))
    store.put_file("a", small(tmp_path, b"second"))
    assert b"".join(store.stream("a")) == b"second"


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


def test_a_prefix_is_a_whole_directory(store: Store, tmp_path: Path) -> None:
    for key in ("jobs/1/a", "jobs/1/b/c", "jobs/10/a"):
        store.put_file(key, small(tmp_path))
    assert sorted(found.key for found in store.list("jobs/1")) == ["jobs/1/a", "jobs/1/b/c"]
    store.delete("jobs/1/a")
    store.delete("jobs/1/a")
    assert sorted(found.key for found in store.list("jobs")) == ["jobs/1/b/c", "jobs/10/a"]


def test_unfinished_files_of_killed_processes_are_listed_and_deleted(local: Store, tmp_path: Path) -> None:
    local.put_file("jobs/2/a", small(tmp_path))
    code = """
import os, sys
import obstore
from obstore.store import LocalStore
writer = obstore.open_writer(LocalStore(sys.argv[1]), "jobs/1/a", buffer_size=1024)
writer.write(bytes(5000))
writer.flush()
os._exit(9)  # as kill -9 ends it
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "store"], check=False)
    (left,) = (tmp_path / "store" / "jobs" / "1").iterdir()
    assert [found.key for found in local.list("jobs/1")] == [f"jobs/1/{left.name}"]
    assert len(list(local.list("jobs"))) == 2
    for found in local.list("jobs/1"):
        local.delete(found.key)
    assert (list(local.list("jobs/1")), left.exists()) == ([], False)


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


def test_head_returns_the_size_or_none(store: Store, tmp_path: Path) -> None:
    store.put_file("a", small(tmp_path))
    assert store.head("a") == StoredObject("a", 7)
    assert store.head("b") is None


def test_a_missing_file_is_reported_before_the_first_byte(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotStored, match="nothing/here"):
        store.stream("nothing/here")
    with pytest.raises(NotStored):
        store.download("nothing/here", tmp_path / "back")
    assert list(tmp_path.glob("back*")) == []


def test_an_aborted_upload_leaves_nothing(store: Store, large: Path) -> None:
    class Enough(Exception):
        pass

    def stop(count: int) -> None:
        if count > 20_000_000:
            raise Enough

    with pytest.raises(Enough):
        store.put_file("a/large", large, on_bytes=stop)
    assert store.head("a/large") is None


def test_a_missing_file_cannot_be_uploaded(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put_file("a", tmp_path / "nothing")


@pytest.mark.parametrize(
    "url", ["", "/srv/x", "file://host/x", "gs://bucket", "s3://", "s3://[bucket", "file:relative"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(WrongSettings, match="STORE_URL must be"):
        Store(url)


def test_attempts_of_a_job_do_not_share_a_prefix() -> None:
    job_id = UUID(int=1)
    assert attempt_prefix(job_id, 1) != attempt_prefix(job_id, 2)
    assert attempt_prefix(job_id, 1) == "jobs/00000000-0000-0000-0000-000000000001/attempts/1"


def test_wrong_credentials_are_refused_without_naming_them(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-secret-key")
    with pytest.raises(StoreDenied, match=r"\(SignatureDoesNotMatch\)") as refused:
        Store(s3_url).put_file("a", small(tmp_path))
    assert "secret-key" not in str(refused.value)


@pytest.mark.parametrize(
    "use",
    [
        lambda store, path: store.put_file("a", path),
        lambda store, path: asyncio.run(store.put_stream("a", in_pieces(b"content"), at_most=7)),
        lambda store, path: store.download("a", path),
        lambda store, path: list(store.list("a")),
    ],
    ids=["put_file", "put_stream", "download", "list"],
)
def test_a_missing_bucket_is_named_as_the_cause(
    s3_url: str, tmp_path: Path, use: Callable[[Store, Path], object]
) -> None:
    with pytest.raises(StoreDenied, match="bucket does not exist"):
        use(Store("s3://nowhere"), small(tmp_path))


def test_an_unreachable_server_is_a_transient_error(
    s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreUnreachable) as away:
        Store(s3_url).put_file("a", small(tmp_path))
    assert "127.0.0.1" not in str(away.value)


def test_the_keys_of_s3_may_come_from_files(
    s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        (tmp_path / name).write_text(os.environ[name])
        monkeypatch.delenv(name)
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    Store(s3_url).put_file("a", small(tmp_path))
    (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("wrong")
    with pytest.raises(StoreDenied):
        Store(s3_url).put_file("a", small(tmp_path))
