"""The artifact store: one class for a local directory and for S3.

Rows decide which files count. A row names the key, the size and the SHA-256 of each file that counts; other
files are orphaned. Every attempt writes under its own prefix, so no write needs to be conditional.
"""

import asyncio
import errno
import hashlib
import itertools
import logging
import re
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import obstore
from obstore import exceptions
from obstore.store import S3Store

from jobs.monitoring.catalogue import STORE_BYTES
from jobs.secret_files import SecretUnreadable
from jobs.storage import directory, streams
from jobs.storage.errors import (
    NO_BUCKET,
    NotStored,
    StoreDenied,
    StoreRefused,
    StoreUnreachable,
    directory_fault,
    measured,
    translated_errors,
)
from jobs.storage.object_store import credentials, directory_of, object_store
from jobs.storage.streams import CountedStream, HashedPieces, HashedStream, WrongRange, byte_range, in_ranges

if TYPE_CHECKING:
    from obstore import BytesStream
    from obstore.store import ObjectStore, S3Config

log = logging.getLogger(__name__)

_READ_BYTES = 1024 * 1024
_SMALL_BYTES = 256 * 1024  # sent within the limit of a stall at 9 kB/s
_PART_BYTES = 16 * 1024 * 1024
_MAX_PARTS = 9_000  # S3 allows 10,000
_PARTS_AT_ONCE = 4
# The error of a range that is not sent with the status of one: by rclone, or by a store that serves none.
_NO_RANGE = "NotPartial"
# The file `a` of a directory is `a#1`, or `a#2` if there is an `a#1`, until it is complete.
# obstore neither lists nor deletes these.
_UNFINISHED = re.compile(r"#[0-9]+$")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was written or read, with the values of a row about it."""

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


class Store:
    """Files by key, in the directory or bucket that `STORE_URL` names."""

    def __init__(self, url: str) -> None:
        """Open `file:///directory` or `s3://bucket/prefix`.

        The directory need not be there yet. While it is missing, every operation raises
        `StoreUnreachable`, and nothing makes it: what is written in place of a disk that is not mounted would
        be lost once it is.

        For S3, the endpoint and the region come from the environment (`AWS_ENDPOINT_URL`, `AWS_REGION`, …),
        the credentials from there or from files (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
        `AWS_SESSION_TOKEN`, see `jobs.secret_files`), which are read for each operation: others may replace
        them. Raises `WrongSettings` for any other URL.
        """
        self._url, self._directory = url, directory_of(url)
        self._opened: ObjectStore | None = None
        self._patient: ObjectStore | None = None
        self._credentials: S3Config = {}
        if self._directory is None:
            self._open_bucket(credentials())

    def _open_bucket(self, found: "S3Config") -> None:
        self._opened = object_store(self._url, found)
        self._patient = object_store(self._url, found, sends_much=True)
        self._credentials = found

    @property
    def _objects(self) -> "ObjectStore":
        """The directory or bucket. Raises `StoreUnreachable` if the directory is missing, or fails."""
        if self._directory is None:
            with suppress(SecretUnreadable):  # it is being replaced
                found = credentials()
                if found != self._credentials and found.keys() >= self._credentials.keys():
                    self._open_bucket(found)
        elif not self._is_directory(self._directory):
            raise StoreUnreachable(
                "the store's directory (STORE_URL) is missing",
                "the operator must mount its disk, or create it",
            )
        if self._opened is None:
            self._opened = object_store(self._url, {})
        return self._opened

    def _taking(self, size: int) -> "ObjectStore":
        """Return where to send a file of at most so many bytes."""
        objects = self._objects
        return objects if self._patient is None or size <= _SMALL_BYTES else self._patient

    @staticmethod
    def _is_directory(path: Path) -> bool:
        try:
            return path.is_dir()
        except OSError as error:  # of a disk, or of a server that it is mounted from
            raise StoreUnreachable(*directory_fault(error.errno or errno.EIO)) from error

    @measured("write")
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
        `jobs.storage.streams` says; `stream_plain` reads it. `on_bytes` is called repeatedly with the
        number of bytes read so far. What it raises aborts the upload, and the key stays as it was.

        What a process that is killed has sent of a large file stays in a bucket until its lifecycle rule for
        incomplete multipart uploads deletes it.
        """
        size = path.stat().st_size
        reader = HashedPieces(path, sha256, on_bytes)
        written = CountedStream(streams.compressed(reader) if compress else reader)
        try:
            with translated_errors(key):
                if size <= _PART_BYTES:
                    # One request can be retried safely; the request that completes a multipart upload cannot.
                    obstore.put(self._taking(size), key, b"".join(written), use_multipart=False)
                else:
                    obstore.put(
                        self._taking(size),
                        key,
                        iter(written),
                        chunk_size=_part_bytes(size),
                        max_concurrency=_PARTS_AT_ONCE,
                    )
        except NotStored as error:
            raise StoreDenied(*NO_BUCKET) from error
        except Exception:
            # obstore wraps what the reader raised in an error of its own.
            if reader.error is not None:
                raise reader.error from None
            raise
        if self._directory is not None:
            directory.sync(self._directory, key)
        STORE_BYTES.record(written.size, direction="written")
        return StoredFile(key, reader.size, reader.sha256, written.size if compress else None)

    async def put_stream(self, key: str, pieces: AsyncIterable[bytes], *, at_most: int) -> StoredFile:
        """Store a stream of at most so many bytes. What `pieces` raises aborts it, and nothing is stored."""
        reader = HashedStream(pieces)
        try:
            with measured("write"), translated_errors(key):
                # In a thread, since it asks a directory whether it is there, and a network drive may hang.
                objects = await asyncio.to_thread(self._taking, at_most)
                await obstore.put_async(
                    objects,
                    key,
                    aiter(reader),
                    chunk_size=_part_bytes(at_most),
                    max_concurrency=2,
                )
                if self._directory is not None:
                    await asyncio.to_thread(directory.sync, self._directory, key)
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
        with measured("open"), translated_errors(key):
            objects = self._objects
            if self._directory is not None:
                file = directory.open_file(self._directory, key)
                return self._pieces(key, directory.read(file, part, _READ_BYTES))
            try:
                found = obstore.get(objects, key, options={"range": part} if part else None)
            except exceptions.GenericError as error:
                if part is None or _NO_RANGE not in str(error):
                    raise
                return byte_range(self.stream(key), *part)
            return self._pieces(key, found.stream(min_chunk_size=_READ_BYTES))

    def stream_plain(self, key: str, size: int, part: tuple[int, int] | None = None) -> Iterator[bytes]:
        """Return the plain bytes of a file of `size` bytes that is kept compressed, as `stream` does.

        Of a part, everything before it is read as well.
        """
        pieces = _decompressed(key, self.stream(key), size)
        return pieces if part is None else byte_range(pieces, *part)

    @measured("download")
    def download(
        self,
        key: str,
        path: Path,
        *,
        size: int | None = None,
        on_bytes: Callable[[int], None] = lambda count: None,
    ) -> StoredFile:
        """Write the file to `path`, which appears complete or not at all, and return its size and SHA-256.

        `size`: of the file, where it is known; a large one is fetched from S3 in ranges, several at once.
        `on_bytes` is called repeatedly with the number of bytes received so far. What it raises aborts the
        download.
        """
        partial = path.with_name(f"{path.name}.partial")
        try:
            stored = None
            if size is not None and size > _PART_BYTES and isinstance(self._objects, S3Store):
                stored = self._download_in_ranges(key, partial, size, on_bytes)
            stored = stored or _write_file(key, partial, self.stream(key), on_bytes)
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
            return _write_file(key, path, pieces, count)
        except (exceptions.BaseError, FileNotFoundError, WrongRange) as error:
            log.info("no ranges of %s (%s): fetching the whole file", key, type(error).__name__)
            return None

    @measured("head")
    def head(self, key: str) -> StoredObject | None:
        """Return the size of a file, or None if there is none under the key."""
        try:
            with translated_errors(key):
                return StoredObject(key, obstore.head(self._objects, key)["size"])
        except NotStored:
            return None

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """Yield every file under a prefix of whole path segments: `jobs/1` does not find `jobs/10`.

        Also what a process that was killed has left of a file in a directory, under a name of the library's.
        """
        objects = self._objects
        if self._directory is not None:
            for key, size in directory.files_below(self._directory, prefix):
                yield StoredObject(key, size)
            return
        with translated_errors(prefix):
            for batch in obstore.list(objects, prefix):
                for found in batch:
                    yield StoredObject(found["path"], found["size"])

    @measured("delete")
    def delete(self, key: str) -> None:
        """Delete a file, and what killed processes have left of it in a directory. A missing one is no error.

        Whoever is still writing it fails.
        """
        try:
            with translated_errors(key):
                objects = self._objects
                if self._directory is not None:
                    if _UNFINISHED.search(key):
                        directory.unlink(self._directory / key)
                        return
                    numbers = itertools.count(1)
                    while directory.unlink(self._directory / f"{key}#{next(numbers)}"):
                        pass
                obstore.delete(objects, key)
        except NotStored:
            return

    def _pieces(self, key: str, pieces: "BytesStream | Iterator[bytes]") -> Iterator[bytes]:
        with translated_errors(key):
            for piece in pieces:
                STORE_BYTES.record(len(piece), direction="read")
                yield bytes(piece)


def _decompressed(key: str, stored: Iterator[bytes], size: int) -> Iterator[bytes]:
    try:
        yield from streams.decompressed(stored, size)
    except streams.CorruptFile as error:
        raise StoreRefused(f"the file {key} in the store is damaged: {error}") from error


def _part_bytes(at_most: int) -> int:
    """Return the bytes of the parts in which a file of at most so many bytes is sent."""
    return max(_PART_BYTES, -(-at_most // _MAX_PARTS))


def _write_file(
    key: str, path: Path, pieces: Iterator[bytes | memoryview], on_bytes: Callable[[int], None]
) -> StoredFile:
    """Write the pieces of a stored file to `path`, hash them meanwhile, and return its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            size += len(piece)
            on_bytes(size)
    return StoredFile(key, size, digest.hexdigest())
