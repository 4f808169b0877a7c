"""One store, in a directory and on a real S3 server."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from jobs.secret_files import WrongSettings
from jobs.storage.errors import (
    NotStored,
    StoreDenied,
    StoreUnreachable,
)
from jobs.storage.store import Store, StoredFile, StoredObject, attempt_prefix


@pytest.fixture
def store(store_url: str) -> Store:
    return Store(store_url)


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


def test_a_prefix_is_a_whole_directory(store: Store, tmp_path: Path) -> None:
    for key in ("jobs/1/a", "jobs/1/b/c", "jobs/10/a"):
        store.put_file(key, small(tmp_path))
    assert sorted(found.key for found in store.list("jobs/1")) == ["jobs/1/a", "jobs/1/b/c"]
    store.delete("jobs/1/a")
    store.delete("jobs/1/a")
    assert sorted(found.key for found in store.list("jobs")) == ["jobs/1/b/c", "jobs/10/a"]


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


def test_the_keys_of_s3_may_come_from_files_that_others_replace(
    s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        (tmp_path / name).write_text(os.environ[name])
        monkeypatch.delenv(name)
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    secret = tmp_path / "AWS_SECRET_ACCESS_KEY"
    right, store = secret.read_text(), Store(s3_url)
    uses = [
        lambda: store.put_file("a", small(tmp_path)),
        lambda: asyncio.run(store.put_stream("b", in_pieces(b"content"), at_most=1_000_000)),
        lambda: store.head("a"),
    ]
    for use in uses:
        use()
        secret.write_text("wrong")
        with pytest.raises(StoreDenied):
            use()
        secret.write_text(right)
        use()
        secret.write_text("")  # it is being written
        use()
        secret.unlink()
        use()
        secret.write_text(right)
