"""What a store does wrong, in words for users and in the figures."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import httpx
from obstore import exceptions

from jobs.monitoring.catalogue import STORE_FAILURES, STORE_SECONDS
from jobs.storage import multipart

_REFUSALS = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "NotImplemented"}
_NO_ROOM = re.compile(r"os error (28|122)\b")  # ENOSPC, EDQUOT
_CODE = re.compile(r"<Code>(\w{1,40})</Code>")


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


class UploadGone(StoreError):
    """The store has no such upload in parts any more. Begin another one."""


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
    """Raise what obstore, botocore and httpx raise as one of the errors above. `key`: of the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotStored(f"there is no file {key} in the store") from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise StoreRefused(
            f"the store refuses the service's credentials{_code(error)}; the operator must correct them"
        ) from error
    except multipart.Gone as error:
        raise UploadGone("the store has dropped an upload; it must be begun again") from error
    except multipart.Failed as error:
        if error.code == "NoSuchBucket":
            raise NotStored("there is no such bucket") from error
        if error.code in _REFUSALS or isinstance(error, multipart.Unlisted):
            raise StoreRefused(
                f"the store refuses the service's credentials, or it has not the rights{_code(error)}"
            ) from error
        raise StoreUnreachable(
            f"the store did not answer as expected{_code(error)}; try again later"
        ) from error
    except (exceptions.InvalidPathError, exceptions.NotSupportedError) as error:
        raise StoreRefused(f"the store refuses the key {key}") from error
    except (exceptions.BaseError, httpx.HTTPError) as error:
        if _NO_ROOM.search(str(error)):
            raise StoreFull("the store is full; the operator must make room") from error
        raise StoreUnreachable(
            f"the store did not answer as expected{_code(error)}; try again later"
        ) from error


def _code(error: Exception) -> str:
    """Return S3's code of an error, for a message: ` (AccessDenied)`. It names neither address nor secret."""
    found = _CODE.search(str(error))
    code = error.code if isinstance(error, multipart.Failed) else found and found[1]
    return f" ({code})" if code else ""
