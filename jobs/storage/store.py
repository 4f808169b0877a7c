"""The artifact store: one class for a local directory and for S3.

The store decides nothing. A row names the key, the size and the SHA-256 of each file that counts; other files
are orphaned. Every attempt writes under its own prefix, so no write needs to be conditional.
"""

import hashlib
import logging
import os
import re
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

import httpx
import obstore
from obstore import exceptions
from obstore.store import LocalStore, S3Store

from jobs.monitoring.catalogue import STORE_BYTES, STORE_FAILURES, STORE_SECONDS
from jobs.secret_files import read_secret
from jobs.storage import seekable
from jobs.storage.ranges import WrongRange, in_ranges, one_range

if TYPE_CHECKING:
    from obstore import BytesStream
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config

log = logging.getLogger(__name__)

_READ_BYTES = 1024 * 1024
_PART_BYTES = 16 * 1024 * 1024
_MOST_PARTS = 9_000  # S3 allows 10,000
_PARTS_AT_ONCE = 4
# The error of a multipart upload that was completed without an answer, or that the store has dropped.
_UPLOAD_GONE = "NoSuchUpload"
# The error of a range that is not sent with the status of one: by rclone, or by a store that serves none.
_NO_RANGE = "NotPartial"
_SIGNED_FOR = timedelta(minutes=5)
_NO_ROOM = re.compile(r"os error (28|122)\b")  # ENOSPC, EDQUOT
_RETRY: "RetryConfig" = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}


class StoreError(Exception):
    """The store failed. The message is shown to users, so it contains no address and no secret."""

    kind: ClassVar[str | None] = None
    """What the store did, in the figures; None where it did what it should."""
    counted = False
    """Whether it is among the figures: one operation may be part of another."""


class StoreUnreachable(StoreError):
    """The store did not answer, or had an internal error. A later attempt may succeed."""

    kind = "unreachable"


class StoreRefused(StoreError):
    """The store refused the request (credentials, bucket, path). Another attempt would fail too."""

    kind = "refused"


class StoreFull(StoreUnreachable):
    """The store is full. A later attempt may succeed, once the operator has made room."""

    kind = "full"


class NotStored(StoreError):
    """No file is stored under the key."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was written or read, with everything that a row about it must say."""

    key: str
    size: int
    sha256: str
    stored_size: int | None = None
    """Bytes in the store, if the file is kept compressed. `size` and `sha256` are of the plain bytes."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A file in a listing of the store."""

    key: str
    size: int


def job_prefix(job_id: UUID) -> str:
    """Return the prefix of all files of a job."""
    return f"jobs/{job_id}"


def attempt_prefix(job_id: UUID, attempt: int) -> str:
    """Return the prefix that only this attempt of the job writes under."""
    return f"{job_prefix(job_id)}/attempts/{attempt}"


@contextmanager
def _measured(operation: str) -> Iterator[None]:
    began = time.perf_counter()
    try:
        yield
    except StoreError as error:
        if error.kind is not None and not error.counted:
            error.counted = True
            STORE_FAILURES.record(kind=error.kind)
        raise
    finally:
        STORE_SECONDS.record(time.perf_counter() - began, operation=operation)


class Store:
    """Files by key, in the directory or bucket that `STORE_URL` names."""

    def __init__(self, url: str) -> None:
        """Open `file:///directory`, which is created if necessary, or `s3://bucket/prefix`.

        For S3, the endpoint and the region come from the environment (`AWS_ENDPOINT_URL`, `AWS_REGION`, …),
        the credentials from there or from files (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
        `AWS_SESSION_TOKEN`, see `jobs.secret_files`). Raises ValueError for any other URL.
        """
        self._objects = _object_store(url)

    @_measured("write")
    def put_file(
        self,
        key: str,
        path: Path,
        *,
        sha256: str | None = None,
        compress: bool = False,
        on_bytes: Callable[[int], None] = lambda count: None,
    ) -> StoredFile:
        """Upload a file in parts, with only a few of them in memory, and return what was written.

        `sha256`: of the file, where it is known; it is not hashed again then. `compress`: keep it as
        `jobs.storage.seekable` says; `stream_plain` reads it. `on_bytes` is called repeatedly with the number
        of bytes read so far. What it raises aborts the upload, and the key stays as it was.
        """
        size = path.stat().st_size
        reader = _HashedFile(path, sha256, on_bytes)
        written = _Counted(seekable.compressed(reader) if compress else reader)
        try:
            with _translated_errors(key):
                if size <= _PART_BYTES:
                    # One request can be retried safely; the request that completes a multipart upload cannot.
                    obstore.put(self._objects, key, b"".join(written), use_multipart=False)
                else:
                    obstore.put(
                        self._objects,
                        key,
                        iter(written),
                        chunk_size=_part_bytes(size),
                        max_concurrency=_PARTS_AT_ONCE,
                    )
        except NotStored as error:
            if _UPLOAD_GONE in str(error.__cause__):
                raise StoreUnreachable(
                    "the store dropped an upload before it was complete; try again"
                ) from error
            raise StoreRefused("the store's bucket does not exist; the operator must create it") from error
        except Exception:
            # obstore wraps what the reader raised in an error of its own.
            if reader.error is not None:
                raise reader.error from None
            raise
        STORE_BYTES.record(written.size, direction="written")
        return StoredFile(key, reader.size, reader.sha256, written.size if compress else None)

    async def put_stream(self, key: str, pieces: AsyncIterable[bytes], *, at_most: int) -> StoredFile:
        """Store a stream of at most so many bytes. What `pieces` raises aborts it, and nothing is stored."""
        reader = _HashedStream(pieces)
        try:
            with _measured("write"), _translated_errors(key):
                await obstore.put_async(
                    self._objects, key, aiter(reader), chunk_size=_part_bytes(at_most), max_concurrency=2
                )
        except Exception:
            if reader.error is not None:
                raise reader.error from None
            raise
        STORE_BYTES.record(reader.size, direction="written")
        return StoredFile(key, reader.size, reader.digest.hexdigest())

    def stream(self, key: str, part: tuple[int, int] | None = None) -> Iterator[bytes]:
        """Return the file's bytes in pieces. Raises `NotStored` at the call, not at the first piece.

        `part`: the first byte to return and the one behind the last; all bytes when left out.
        """
        with _measured("open"), _translated_errors(key):
            try:
                found = obstore.get(self._objects, key, options={"range": part} if part else None)
            except exceptions.GenericError as error:
                if part is None or _NO_RANGE not in str(error) or not isinstance(self._objects, S3Store):
                    raise
                url = obstore.sign(self._objects, "GET", key, _SIGNED_FOR)
                return self._pieces(key, one_range(url, *part, piece=_READ_BYTES))
            return self._pieces(key, found.stream(min_chunk_size=_READ_BYTES))

    def stream_plain(
        self, key: str, stored_size: int, size: int, part: tuple[int, int] | None = None
    ) -> Iterator[bytes]:
        """Return the plain bytes of a file of `size` bytes that is kept in `stored_size`, as `stream` does.

        Of a part, only the frames that it touches are read.
        """
        try:
            return seekable.plain(lambda part: self.stream(key, part), stored_size, size, part)
        except seekable.Damaged as error:
            raise StoreRefused(f"the file {key} in the store is damaged: {error}") from error

    @_measured("download")
    def download(
        self,
        key: str,
        path: Path,
        *,
        size: int | None = None,
        on_bytes: Callable[[int], None] = lambda count: None,
    ) -> StoredFile:
        """Write the file to `path`, which appears complete or not at all, and return what was read.

        `size`: of the file, where it is known; a large one is fetched from S3 in ranges, several at once.
        `on_bytes` is called repeatedly with the number of bytes received so far. What it raises aborts the
        download.
        """
        partial = path.with_name(f"{path.name}.partial")
        try:
            stored = None
            if size is not None and size > _PART_BYTES and isinstance(self._objects, S3Store):
                stored = self._download_in_ranges(key, partial, size, on_bytes)
            stored = stored or _written(key, partial, self.stream(key), on_bytes)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return stored

    def _download_in_ranges(
        self, key: str, path: Path, size: int, on_bytes: Callable[[int], None]
    ) -> StoredFile | None:
        """Write the file to `path`. None: the store does not serve ranges, or not these; whatever is wrong
        shows when the file is fetched as a whole.
        """
        received = 0

        def count(so_far: int) -> None:
            nonlocal received
            STORE_BYTES.record(so_far - received, direction="read")
            received = so_far
            on_bytes(received)

        pieces = in_ranges(
            lambda start, end: memoryview(obstore.get_range(self._objects, key, start=start, end=end)),
            size,
            part=_PART_BYTES,
            at_once=_PARTS_AT_ONCE,
            while_waiting=lambda: on_bytes(received),
        )
        try:
            return _written(key, path, pieces, count)
        except (exceptions.BaseError, FileNotFoundError, WrongRange) as error:
            log.info("no ranges of %s (%s): fetching the whole file", key, type(error).__name__)
            return None

    @_measured("head")
    def head(self, key: str) -> StoredObject | None:
        """Return the size of a file, or None if there is none under the key."""
        try:
            with _translated_errors(key):
                return StoredObject(key, obstore.head(self._objects, key)["size"])
        except NotStored:
            return None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Yield every file under a prefix of whole path segments: `jobs/1` does not find `jobs/10`."""
        with _translated_errors(prefix):
            for batch in obstore.list(self._objects, prefix):
                for found in batch:
                    yield StoredObject(found["path"], found["size"])

    @_measured("delete")
    def delete(self, key: str) -> None:
        """Delete a file. A missing file is no error."""
        try:
            with _translated_errors(key):
                obstore.delete(self._objects, key)
        except NotStored:
            return

    @_measured("delete")
    def delete_prefix(self, prefix: str) -> None:
        """Delete every file under a prefix. A missing file is no error."""
        with _translated_errors(prefix):
            for batch in obstore.list(self._objects, prefix, chunk_size=1000):
                try:
                    obstore.delete(self._objects, [found["path"] for found in batch])
                except FileNotFoundError:
                    continue

    def _pieces(self, key: str, pieces: "BytesStream | Iterator[bytes]") -> Iterator[bytes]:
        with _translated_errors(key):
            for piece in pieces:
                STORE_BYTES.record(len(piece), direction="read")
                yield bytes(piece)


def _part_bytes(at_most: int) -> int:
    """Return the bytes of the parts in which a file of at most so many bytes is sent."""
    return max(_PART_BYTES, -(-at_most // _MOST_PARTS))


def _written(
    key: str, path: Path, pieces: Iterator[bytes | memoryview], on_bytes: Callable[[int], None]
) -> StoredFile:
    """Write the pieces of a stored file to `path`, hash them meanwhile, and return what was read."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            size += len(piece)
            on_bytes(size)
    return StoredFile(key, size, digest.hexdigest())


class _HashedFile:
    """Yields the pieces of a file, and has its size and checksum at the end."""

    def __init__(self, path: Path, sha256: str | None, on_bytes: Callable[[int], None]) -> None:
        self._path = path
        self._known = sha256
        self._on_bytes = on_bytes
        self._digest = hashlib.sha256()
        self.size = 0
        self.error: BaseException | None = None

    @property
    def sha256(self) -> str:
        return self._known or self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                while piece := file.read(_READ_BYTES):
                    if self._known is None:
                        self._digest.update(piece)
                    self.size += len(piece)
                    self._on_bytes(self.size)
                    yield piece
        except GeneratorExit:  # the store has failed, and reads no more
            raise
        except BaseException as error:
            self.error = error
            raise


class _Counted:
    """Passes pieces on, and has their size at the end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            yield piece


class _HashedStream:
    """Passes the pieces of a stream on, and has its size and digest at the end."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = pieces
        self.digest = hashlib.sha256()
        self.size = 0
        self.error: BaseException | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._pieces:
                self.digest.update(piece)
                self.size += len(piece)
                yield piece
        except GeneratorExit:  # the store has failed, and reads no more
            raise
        except BaseException as error:
            self.error = error
            raise


def _object_store(url: str) -> "ObjectStore":
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return LocalStore(unquote(parts.path), mkdir=True, automatic_cleanup=True)
    if parts.scheme == "s3" and parts.netloc:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
        client: ClientConfig = {"allow_http": endpoint.startswith("http://"), "connect_timeout": "5s"}
        prefix = parts.path.strip("/") or None
        return S3Store(
            parts.netloc, prefix=prefix, client_options=client, retry_config=_RETRY, config=_credentials()
        )
    raise ValueError("STORE_URL must be file:///directory or s3://bucket/prefix")


def _credentials() -> "S3Config":
    found: S3Config = {}
    if key := read_secret("AWS_ACCESS_KEY_ID"):
        found["access_key_id"] = key
    if secret := read_secret("AWS_SECRET_ACCESS_KEY"):
        found["secret_access_key"] = secret
    if token := read_secret("AWS_SESSION_TOKEN"):
        found["session_token"] = token
    return found


@contextmanager
def _translated_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotStored(f"there is no file {key} in the store") from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise StoreRefused(
            "the store refuses the service's credentials; the operator must correct them"
        ) from error
    except (exceptions.InvalidPathError, exceptions.NotSupportedError) as error:
        raise StoreRefused(f"the store refuses the key {key}") from error
    except (exceptions.BaseError, httpx.HTTPError) as error:
        if _NO_ROOM.search(str(error)):
            raise StoreFull("the store is full; the operator must make room") from error
        raise StoreUnreachable("the store did not answer as expected; try again later") from error
