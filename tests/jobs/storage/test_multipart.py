"""Uploads in parts to a real S3 server go on where they broke off, and are found if they are abandoned."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from jobs.storage import hashed, multipart
from jobs.storage import store as module
from jobs.storage.errors import (
    StoreDenies,
    StoreError,
    StoreFull,
    StoreRefused,
    StoreUnreachable,
    UploadGone,
)
from jobs.storage.multipart import Multipart, Part, PendingUpload
from jobs.storage.store import Store
from tests.conftest import S3
from tests.jobs.storage.multipart_server import MultipartServer
from tests.stack import directory_store

PART = 5000
CONTENT = os.urandom(7 * PART + 11)

pytestmark = pytest.mark.usefixtures("_small_parts")


class Stop(Exception):
    pass


@pytest.fixture
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PART_BYTES", PART)
    monkeypatch.setattr(hashed, "_READ_BYTES", PART)


@pytest.fixture
def store(s3_url: str) -> Store:
    return Store(s3_url)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the parts whose bytes have gone to the store."""
    numbers: list[int] = []
    put = Multipart._put

    def noted(
        self: Multipart, upload: PendingUpload, number: int, content: bytes, stored: Part | None
    ) -> tuple[str, int]:
        tag, size = put(self, upload, number, content, stored)
        if size:
            numbers.append(number)
        return tag, size

    monkeypatch.setattr(Multipart, "_put", noted)
    return numbers


def written(tmp_path: Path, content: bytes = CONTENT) -> Path:
    (tmp_path / "file").write_bytes(content)
    return tmp_path / "file"


def uploads(store: Store) -> Multipart:
    assert store._multipart is not None
    return store._multipart


def begun(store: Store) -> PendingUpload:
    upload = store.begin_upload("a/b", len(CONTENT))
    assert upload is not None
    return upload


def stopping_at(size: int) -> Callable[[int], None]:
    def stop(count: int) -> None:
        if count > size:
            raise Stop

    return stop


def broken_off(store: Store, path: Path) -> tuple[PendingUpload, set[int]]:
    """Break an upload off in its middle. Returns it, and the numbers of the parts that the store has."""
    upload = begun(store)
    with pytest.raises(Stop):
        store.put_file("a/b", path, upload=upload, on_bytes=stopping_at(6 * PART))
    parts_have_arrived()
    return upload, set(uploads(store)._parts(upload))


def parts_have_arrived() -> None:
    """Wait for those that were on their way when their upload was broken off."""
    for thread in threading.enumerate():
        if thread.name.startswith("part_"):
            thread.join()


def content(store: Store) -> bytes:
    return b"".join(store.stream("a/b"))


def test_only_the_parts_that_the_store_lacks_are_sent(store: Store, tmp_path: Path, sent: list[int]) -> None:
    upload, there = broken_off(store, written(tmp_path))
    assert len(there) >= 2
    assert store.head("a/b") is None
    sent.clear()
    stored = store.put_file("a/b", tmp_path / "file", upload=upload)
    assert not there & set(sent)
    assert (content(store), stored.size) == (CONTENT, len(CONTENT))
    assert store.pending_uploads("a") == []


def test_an_upload_with_a_part_of_other_bytes_is_gone_where_the_store_replaces_none(
    store: Store, tmp_path: Path
) -> None:
    upload, there = broken_off(store, written(tmp_path))
    assert 1 in there
    with pytest.raises(UploadGone):
        store.put_file("a/b", written(tmp_path, bytes(PART) + CONTENT[PART:]), upload=upload)
    assert store.head("a/b") is None


def test_a_part_of_other_bytes_is_replaced_where_the_store_can(
    tmp_path: Path, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = MultipartServer(10)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a-test-key")
    with server.serving() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        store = Store("s3://bucket/p")
        upload, there = broken_off(store, written(tmp_path))
        other = bytes(PART) + CONTENT[PART:]
        sent.clear()
        store.put_file("a/b", written(tmp_path, other), upload=upload)
    assert server.content == {"/bucket/p/a/b": other}
    assert there & set(sent) == {1}


def test_a_compressed_file_goes_on_as_well(store: Store, tmp_path: Path, sent: list[int]) -> None:
    plain = os.urandom(3 * PART) + bytes(5 * PART)
    path, upload = written(tmp_path, plain), begun(store)
    with pytest.raises(Stop):
        store.put_file("a/b", path, upload=upload, compress=True, on_bytes=stopping_at(7 * PART))
    stored = store.put_file("a/b", path, upload=upload, compress=True)
    assert stored.stored_size is not None
    assert b"".join(store.stream_plain("a/b", stored.stored_size, len(plain))) == plain


def test_an_upload_that_is_gone_is_begun_again_by_the_caller(store: Store, tmp_path: Path) -> None:
    upload, _ = broken_off(store, written(tmp_path))
    store.abort_upload(upload)
    store.abort_upload(upload)
    with pytest.raises(UploadGone):
        store.put_file("a/b", tmp_path / "file", upload=upload)
    assert store.head("a/b") is None


@pytest.mark.parametrize("is_ours", [True, False])
def test_an_upload_is_complete_if_only_the_answer_was_lost_with_a_fake_of_amazons_etag(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_ours: bool
) -> None:
    """The real server gives complete files other ETags, so that such an upload is begun again there."""
    complete = Multipart._complete
    parts = [CONTENT[start : start + PART] for start in range(0, len(CONTENT), PART)]
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
    etag = f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts) + (not is_ours)}"'

    def twice(self: Multipart, upload: PendingUpload, tags: list[str]) -> None:
        complete(self, upload, tags)
        complete(self, upload, tags)

    monkeypatch.setattr(Multipart, "_tag", lambda self, key: etag)
    monkeypatch.setattr(Multipart, "_complete", twice)
    with nullcontext() if is_ours else pytest.raises(UploadGone):
        store.put_file("a/b", written(tmp_path), upload=begun(store))
    assert content(store) == CONTENT


@pytest.mark.threat
def test_a_part_that_another_process_has_replaced_is_not_taken_for_ours(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete, upload = Multipart._complete, begun(store)

    def overtaken(self: Multipart, upload: PendingUpload, tags: list[str]) -> None:
        complete(self, upload, [tags[0], tags[2], *tags[2:]])

    monkeypatch.setattr(Multipart, "_complete", overtaken)
    with pytest.raises(UploadGone):
        store.put_file("a/b", written(tmp_path), upload=upload)
    assert store.head("a/b") is None


def test_what_stops_an_upload_that_nobody_goes_on_with_aborts_it(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        store.put_file("a/b", written(tmp_path), on_bytes=stopping_at(6 * PART))
    assert (store.head("a/b"), store.pending_uploads("a")) == (None, [])


@pytest.mark.parametrize(("code", "left"), [("XMinioStorageFull", 0), ("", 1)])
def test_it_is_aborted_where_the_store_refuses_a_part_and_not_where_it_is_silent(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, left: int
) -> None:
    def refused(self: Multipart, *anything: object) -> tuple[str, int]:
        raise multipart.Failed("the disk is full", code)

    monkeypatch.setattr(Multipart, "_put", refused)
    with pytest.raises(StoreError):
        store.put_file("a/b", written(tmp_path))
    assert len(store.pending_uploads("a")) == left


def test_a_store_that_drops_an_upload_is_asked_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = Multipart._complete

    def dropped(self: Multipart, upload: PendingUpload, tags: list[str]) -> None:
        self.abort(upload)
        complete(self, upload, tags)

    monkeypatch.setattr(Multipart, "_complete", dropped)
    with pytest.raises(StoreUnreachable, match="dropped"):
        store.put_file("a/b", written(tmp_path))


def test_uploads_are_found_by_their_key_or_by_whole_segments_of_it(store: Store) -> None:
    wanted = {store.begin_upload(key, len(CONTENT)) for key in ("a/1", "a/1/x")}
    other = store.begin_upload("a/10", len(CONTENT))
    assert set(store.pending_uploads("a/1")) == wanted
    assert other in store.pending_uploads("a")


def test_a_file_of_one_request_and_a_directory_have_no_uploads(store: Store, tmp_path: Path) -> None:
    assert store.begin_upload("a/b", PART) is None
    directory = Store(directory_store(tmp_path))
    assert directory.begin_upload("a/b", len(CONTENT)) is None
    assert directory.pending_uploads("a") == []


def test_a_store_that_lists_nothing_is_sent_everything(store: Store, tmp_path: Path, sent: list[int]) -> None:
    upload, _ = broken_off(store, written(tmp_path))
    sent.clear()
    with _listing_refused(store):
        assert store.pending_uploads("a") == []
        store.put_file("a/b", tmp_path / "file", upload=upload)
    assert (set(sent), content(store)) == ({*range(1, 9)}, CONTENT)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidRequest"),
        (403, ""),
        (405, ""),
        (405, "MethodNotAllowed"),
        (501, ""),
        (501, "NotImplemented"),
    ],
)
def test_a_store_that_lists_no_uploads_has_none_to_abort(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a-test-key")
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>" if code else ""
    with MultipartServer(10, unlisted=(status, body)).serving() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert Store("s3://bucket/p").pending_uploads("a") == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (507, "XMinioStorageFull"),
        (400, "XMinioAdminBucketQuotaExceeded"),
        (403, "QuotaExceeded"),
        (507, ""),
    ],
    ids=["a disk of MinIO", "a quota of MinIO", "a quota of Ceph", "a status alone"],
)
@pytest.mark.parametrize("size", [1, len(CONTENT)], ids=["in one request", "in parts"])
def test_a_store_without_room_is_full_by_faked_answers_of_minio_and_ceph(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int, code: str, size: int
) -> None:
    """The S3 server of these tests calls it an internal error."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a-test-key")
    path = written(tmp_path, CONTENT[:size])
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>" if code else ""
    with MultipartServer(10, full=(status, body)).serving() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(StoreFull, match=rf"the store is full( \({code or 507}\))?; the operator"):
            Store("s3://bucket/p").put_file("a", path)


def _aborted_by(monkeypatch: pytest.MonkeyPatch, status: int, code: str) -> None:
    """Abort an upload of a store that answers so."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a-test-key")
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>" if code else ""
    with MultipartServer(10, kept=(status, body)).serving() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        Store("s3://bucket/p").abort_upload(PendingUpload("a", "1"))


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "AccessDenied"), (405, ""), (405, "MethodNotAllowed"), (501, ""), (501, "NotImplemented")],
)
def test_a_store_that_never_aborts_is_no_store_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    with pytest.raises(StoreDenies, match=rf"the store refuses .* \({code or status}\)"):
        _aborted_by(monkeypatch, status, code)


@pytest.mark.parametrize("status", [401, 403])
def test_a_status_alone_may_be_about_credentials_that_will_be_right_again(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with pytest.raises(StoreRefused, match=rf"the store refuses .* \({status}\)") as refused:
        _aborted_by(monkeypatch, status, "")
    assert not isinstance(refused.value, StoreDenies)


@contextmanager
def _listing_refused(store: Store) -> Iterator[None]:
    """Have the store list nothing meanwhile: its client is the one of every other test of this process."""
    calls = [f"before-call.s3.{name}" for name in ("ListParts", "ListMultipartUploads")]
    events = uploads(store)._client.meta.events
    for call in calls:
        events.register(call, _refused)
    try:
        yield
    finally:
        for call in calls:
            events.unregister(call, _refused)


def _refused(**call: object) -> None:
    raise multipart.Failed("no", "AccessDenied")


def test_a_server_that_was_just_started_has_none_to_abort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s3").mkdir()
    with S3(tmp_path / "s3") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        assert Store(f"{server.url}/prefix").pending_uploads("jobs") == []
