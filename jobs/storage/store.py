"""The artifact store: a local directory or S3, behind one class.

Nothing here decides what is right. A row names the key, the size and the SHA-256 of a file that counts;
whatever else lies in the store is garbage. So every attempt writes under a prefix of its own, and no write is
conditional.
"""

import hashlib
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import UUID

import obstore
from obstore import exceptions
from obstore.store import LocalStore, S3Store

if TYPE_CHECKING:
    from obstore import BytesStream
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

_READ_BYTES = 1024 * 1024
_PART_BYTES = 16 * 1024 * 1024
_MOST_PARTS = 9_000  # S3 allows 10,000
_PARTS_AT_ONCE = 4
# Of an upload in parts whose end was done but not answered, or that the store has let go.
_UPLOAD_GONE = "NoSuchUpload"
_NO_ROOM = re.compile(r"os error (28|122)\b")  # ENOSPC, EDQUOT
_RETRY: "RetryConfig" = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}


class StoreError(Exception):
    """The store did not do what was asked. People are shown the message: it names no address or secret."""


class StoreUnreachable(StoreError):
    """The store did not answer, or answered with an error of its own: trying again later may work."""


class StoreRefused(StoreError):
    """The store understood and refused (credentials, bucket, path): trying again gives the same answer."""


class StoreFull(StoreUnreachable):
    """There is no room: it works again when its operator has made some."""


class NotStored(StoreError):
    """There is no file under the key."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was written: what a row about it must say."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A file as the store lists it."""

    key: str
    size: int


def job_prefix(job_id: UUID) -> str:
    """Where the attempts of a job write."""
    return f"jobs/{job_id}"


def attempt_prefix(job_id: UUID, attempt: int) -> str:
    """Where one attempt of a job writes, and nobody else."""
    return f"{job_prefix(job_id)}/attempts/{attempt}"


class Store:
    """Files by key, in the place that `STORE_URL` names."""

    def __init__(self, url: str) -> None:
        """`file:///directory` (made if it is not there), or `s3://bucket/prefix`.

        For S3 the endpoint, the region and the credentials come from the environment (`AWS_ENDPOINT_URL`,
        `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, …). Raises ValueError for any other URL.
        """
        self._objects = _object_store(url)

    def put_file(
        self, key: str, path: Path, *, on_bytes: Callable[[int], None] = lambda count: None
    ) -> StoredFile:
        """Upload a file in parts, never more than a few of them in memory, and return what was written.

        `on_bytes` hears how many bytes were read, again and again; what it raises ends the upload, and the
        key stays as it was.
        """
        size = path.stat().st_size
        part = max(_PART_BYTES, size // _MOST_PARTS)
        reader = _Reader(path, on_bytes)
        try:
            with _translated_errors(key):
                if size <= _PART_BYTES:
                    # In one request, which may be repeated; the one that ends an upload in parts may not.
                    obstore.put(self._objects, key, b"".join(reader), use_multipart=False)
                else:
                    obstore.put(
                        self._objects, key, iter(reader), chunk_size=part, max_concurrency=_PARTS_AT_ONCE
                    )
        except NotStored as error:
            if _UPLOAD_GONE in str(error.__cause__):
                raise StoreUnreachable("the store has dropped an upload half-way; try again") from error
            raise StoreRefused("the store's bucket does not exist; its operator must make it") from error
        except Exception:
            # What the reader raised is no error of the store, which has wrapped it in one of its own.
            if reader.error is not None:
                raise reader.error from None
            raise
        return StoredFile(key, reader.size, reader.digest.hexdigest())

    async def put_stream(self, key: str, pieces: AsyncIterable[bytes]) -> StoredFile:
        """Store what arrives, as it arrives. What `pieces` raises ends it, and nothing lies under the key."""
        reader = _Passing(pieces)
        try:
            with _translated_errors(key):
                await obstore.put_async(
                    self._objects, key, aiter(reader), chunk_size=_PART_BYTES, max_concurrency=2
                )
        except Exception:
            if reader.error is not None:
                raise reader.error from None
            raise
        return StoredFile(key, reader.size, reader.digest.hexdigest())

    def stream(self, key: str) -> Iterator[bytes]:
        """The file's bytes, in pieces. Raises `NotStored` at once, not at the first piece."""
        with _translated_errors(key):
            pieces = obstore.get(self._objects, key).stream(min_chunk_size=_READ_BYTES)
        return self._pieces(key, pieces)

    def download(
        self, key: str, path: Path, *, on_bytes: Callable[[int], None] = lambda count: None
    ) -> StoredFile:
        """Write the file to `path`, which appears complete or not at all, and return what was read.

        `on_bytes` hears how many bytes have come, again and again; what it raises ends the download.
        """
        partial = path.with_name(f"{path.name}.partial")
        digest, size = hashlib.sha256(), 0
        try:
            with partial.open("wb") as file:
                for piece in self.stream(key):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    on_bytes(size)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return StoredFile(key, size, digest.hexdigest())

    def head(self, key: str) -> StoredObject | None:
        """What the store knows about a key, None if nothing lies there."""
        try:
            with _translated_errors(key):
                return StoredObject(key, obstore.head(self._objects, key)["size"])
        except NotStored:
            return None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Every file under a prefix, which is a whole directory: `jobs/1` does not find `jobs/10`."""
        with _translated_errors(prefix):
            for batch in obstore.list(self._objects, prefix):
                for found in batch:
                    yield StoredObject(found["path"], found["size"])

    def delete(self, key: str) -> None:
        """Delete a file; one that is already gone is no error."""
        try:
            with _translated_errors(key):
                obstore.delete(self._objects, key)
        except NotStored:
            return

    def delete_prefix(self, prefix: str) -> None:
        """Delete every file under a prefix; one that is already gone is no error."""
        with _translated_errors(prefix):
            for batch in obstore.list(self._objects, prefix, chunk_size=1000):
                try:
                    obstore.delete(self._objects, [found["path"] for found in batch])
                except FileNotFoundError:
                    continue

    def _pieces(self, key: str, pieces: "BytesStream") -> Iterator[bytes]:
        with _translated_errors(key):
            for piece in pieces:
                yield bytes(piece)


class _Reader:
    """Reads a file once, and knows its size and digest when it has."""

    def __init__(self, path: Path, on_bytes: Callable[[int], None]) -> None:
        self._path = path
        self._on_bytes = on_bytes
        self.digest = hashlib.sha256()
        self.size = 0
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                while piece := file.read(_READ_BYTES):
                    self.digest.update(piece)
                    self.size += len(piece)
                    self._on_bytes(self.size)
                    yield piece
        except BaseException as error:
            self.error = error
            raise


class _Passing:
    """Passes pieces on, and knows their size and digest when all are through."""

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
        return S3Store(parts.netloc, prefix=prefix, client_options=client, retry_config=_RETRY)
    raise ValueError("STORE_URL must be file:///directory or s3://bucket/prefix")


@contextmanager
def _translated_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotStored(f"there is no file {key} in the store") from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise StoreRefused("the store refuses the service's credentials; its operator must act") from error
    except (exceptions.InvalidPathError, exceptions.NotSupportedError) as error:
        raise StoreRefused(f"the store refuses the key {key}") from error
    except exceptions.BaseError as error:
        if _NO_ROOM.search(str(error)):
            raise StoreFull("the store is full: its operator must make room in it") from error
        raise StoreUnreachable("the store did not answer as it should; try again later") from error
