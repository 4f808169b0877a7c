"""Errors of the store: their messages for users, and their counts for Prometheus."""

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from obstore import exceptions

from jobs.monitoring.catalogue import STORE_FAILURES, STORE_SECONDS

# MinIO's disks and its buckets' quotas, Ceph's quotas.
_FULL = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"}
NO_BUCKET = "the store's bucket does not exist", "the operator must create it"
_MAKE_ROOM = "the operator must make room"
_NO_ROOM = re.compile(r"os error (28|122)\b|\b507 Insufficient Storage\b")  # ENOSPC, EDQUOT
_DIRECTORY_ERROR = re.compile(r"\AGeneric LocalFileSystem error: .*\(os error (\d+)\)$", re.MULTILINE)
_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}
_FILE_ERRNOS = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.EBUSY}
_CODE = re.compile(r"<Code>(\w{1,40})</Code>")


class StoreError(Exception):
    """The store failed. The message is shown to users, so it contains no address and no secret."""

    kind: ClassVar[str | None] = None
    """The label in the metrics; None for what is no failure of the store."""
    counted = False
    """Whether it was counted: one operation may be part of another."""


class StoreUnreachable(StoreError):
    """The store did not answer, or had an internal error. A later attempt may succeed."""

    kind = "unreachable"

    def __init__(self, what: str, remedy: str = "try again later") -> None:
        """`what` is wrong, without the `remedy`: there is none for who waits until another has mended it."""
        super().__init__(f"{what}; {remedy}")
        self.what = what


class StoreRefused(StoreError):
    """The store refused the request (the path, a damaged file). Another attempt would fail too."""

    kind = "refused"


class StoreDenied(StoreUnreachable):
    """The store refuses the credentials, or lacks the bucket or an upload, until the operator corrects it."""

    kind = "refused"


class FileUnusable(StoreUnreachable):
    """A directory does not let us use this file. It may have others that can be used."""


class StoreFull(StoreUnreachable):
    """The store is full. A later attempt may succeed, once the operator has made room."""

    kind = "full"


class NotStored(StoreError):
    """No file is stored under the key."""


@contextmanager
def measured(operation: str) -> Iterator[None]:
    """Record how long an operation takes, and how it fails."""
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


@contextmanager
def translated_errors(key: str) -> Iterator[None]:
    """Raise what obstore raises as one of the errors above. `key`: of the file."""
    try:
        yield
    except (FileNotFoundError, exceptions.BaseError) as error:
        if _code_of(error) == "NoSuchBucket":
            raise StoreDenied(*NO_BUCKET) from error
        raise _translated(error, key) from error


def _translated(error: Exception, key: str) -> StoreError:
    if isinstance(error, FileNotFoundError):
        return NotStored(f"there is no file {key} in the store")
    if _is_full(error):  # before what 403 means: it is Ceph's status of a quota that is used up
        return StoreFull(f"the store is full{_code(error)}", _MAKE_ROOM)
    if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return StoreDenied(
            f"the store refuses the service's credentials{_code(error)}", "the operator must correct them"
        )
    if isinstance(error, exceptions.InvalidPathError | exceptions.NotSupportedError):
        return StoreRefused(f"the store refuses the key {key}")
    if (found := _DIRECTORY_ERROR.search(str(error))) is not None:
        return directory_error(int(found[1]))
    return StoreUnreachable(f"the store did not answer as expected{_code(error)}")


def directory_error(number: int) -> StoreUnreachable:
    """Return the error of a store that is a directory, by its `errno`."""
    if number in _FULL_ERRNOS:
        return StoreFull("the store is full", _MAKE_ROOM)
    return (FileUnusable if number in _FILE_ERRNOS else StoreUnreachable)(*directory_fault(number))


def directory_fault(number: int) -> tuple[str, str]:
    """Return what is wrong with the directory, and what the operator must do."""
    directory, code = "the store's directory (STORE_URL)", errno.errorcode.get(number, f"error {number}")
    if number == errno.EROFS:
        return f"{directory} is read-only ({code})", "the operator must make it writable"
    return f"{directory} cannot be used ({code}, {os.strerror(number)})", "the operator must check it"


def _is_full(error: Exception) -> bool:
    return _code_of(error) in _FULL or _NO_ROOM.search(str(error)) is not None


def _code_of(error: Exception) -> str | None:
    """Return S3's code of an error."""
    found = _CODE.search(str(error))
    return found and found[1]


def _code(error: Exception) -> str:
    """Return S3's code of an error, for a message: ` (AccessDenied)`. It names neither address nor secret."""
    code = _code_of(error)
    return f" ({code})" if code else ""
