"""Stored files of an owner: uploads, and what all of its files take."""

import asyncio
import codecs
import logging
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from functools import partial
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from api.problems.base import FieldError
from api.problems.catalogue import InvalidRequest, NotFound, QuotaExceeded, ServiceUnavailable, UploadInUse
from api.resources import AppResources
from api.schemas.access import StorageUse
from api.schemas.base import PageQuery
from api.schemas.files import UploadItem, UploadPage
from api.security import middleware
from jobs import stored_files
from jobs.database import DATABASE_UNAVAILABLE
from jobs.settings import Settings
from jobs.storage import gradient_files, owned_files, uploads
from jobs.storage.errors import StoreError
from jobs.storage.store import StoredFile
from pruning.files.formats import (
    LENGTH_BYTES,
    MAX_HEADER_BYTES,
    InvalidGradientFile,
    InvalidTextLine,
    content_bytes,
    header_length,
    text_of_line,
)

log = logging.getLogger(__name__)

_MAX_CHECKED_LINE = 2**20

TOO_MANY_UPLOADS = "Too many uploads are open. Send it again once others have ended."
NO_SUCH_UPLOAD = "There is no such upload, or it belongs to another owner."


async def upload(
    resources: AppResources, owner: str, name: str, ending: str, body: AsyncIterable[bytes], *, size: int
) -> tuple[UploadItem, bool]:
    """Store a file. Returns it, and whether this call created it: equal content returns the first upload.

    While it arrives, `size` bytes count towards the owner's quota: what the request declares, or may have.

    Raises InvalidRequest for what is not of the format, QuotaExceeded, and ServiceUnavailable if it took too
    long, or too many are open.
    """
    if not resources.open_uploads.enter(owner):
        raise ServiceUnavailable(TOO_MANY_UPLOADS)
    try:
        return await _upload(resources, owner, name, ending, body, size)
    finally:
        resources.open_uploads.leave(owner)


async def _upload(
    resources: AppResources, owner: str, name: str, ending: str, body: AsyncIterable[bytes], size: int
) -> tuple[UploadItem, bool]:
    quota = resources.settings.quota_bytes
    key = uploads.new_key(ending)
    room = await run_in_threadpool(_reserve, resources, owner, key, size)
    created = False
    try:
        bounded = _bounded(body, room, quota)
        stored = await resources.store.put_stream(key, _CHECKS[ending](bounded), at_most=room)
        upload, created = await run_in_threadpool(_record, resources, owner, name, ending, stored)
        return upload, created
    finally:
        if not created:
            await asyncio.shield(run_in_threadpool(_abandon, resources, key))


def list_uploads(resources: AppResources, owner: str, query: PageQuery) -> UploadPage:
    """Return a page of the owner's uploads."""
    with resources.database.begin() as session:
        rows = uploads.newest(session, owner, before=query.cursor, limit=query.rows)
        used = gradient_files.used_bytes(session, owner)
    quota = resources.settings.quota_bytes
    return UploadPage.of(rows, query, UploadItem.of, used_bytes=used, quota_bytes=quota)


async def delete_upload(resources: AppResources, owner: str, upload_id: UUID) -> None:
    """Delete an upload and its file. Raises NotFound, and UploadInUse while an unfinished job needs it."""
    key = await run_in_threadpool(_remove, resources, owner, upload_id)
    with suppress(StoreError, ServiceUnavailable):  # the scheduler deletes what stays
        await resources.store_pool.run(owner, partial(resources.store.delete, key))


def _remove(resources: AppResources, owner: str, upload_id: UUID) -> str:
    with resources.database.begin() as session:
        try:
            upload = uploads.remove(session, owner, upload_id)
        except owned_files.InUse as error:
            raise UploadInUse(error.job_id) from error
    if upload is None:
        raise NotFound(NO_SUCH_UPLOAD)
    return upload.key


def max_upload_bytes(settings: Settings, ending: str) -> int:
    """Return the size limit of one upload."""
    return settings.quota_bytes if ending == gradient_files.FORMAT else middleware.MAX_TEXT_BYTES


async def _bounded(body: AsyncIterable[bytes], room: int, quota: int) -> AsyncIterator[bytes]:
    """Yield the body chunk by chunk, as long as it fits into `room` bytes."""
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > room:
            raise _quota_exceeded(quota)
        yield chunk


async def _text(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the body chunk by chunk, as long as it is text."""
    decoder, size = codecs.getincrementaldecoder("utf-8")(), 0
    async for chunk in body:
        size += len(chunk)
        _decode(decoder, chunk)
        yield chunk
    _decode(decoder, b"", final=True)
    if size == 0:
        raise InvalidRequest(FieldError(field="body", message="holds no text"))


async def _norms(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the body chunk by chunk, as long as its header is of gradient norms, and has all its bytes."""
    head, needed, size = bytearray(), 0, 0
    whole: int | None = None  # bytes of the file, once its header has been read
    try:
        async for chunk in body:
            size += len(chunk)
            if whole is None:
                head += chunk[: LENGTH_BYTES + MAX_HEADER_BYTES]
                if not needed and len(head) >= LENGTH_BYTES:
                    needed = LENGTH_BYTES + header_length(head)
                if needed and len(head) >= needed:
                    described = await run_in_threadpool(content_bytes, bytes(head[LENGTH_BYTES:needed]))
                    whole = needed + described
            yield chunk
        if size != whole:
            raise InvalidGradientFile("does not have the bytes that its header names; send the whole file")
    except InvalidGradientFile as error:
        raise InvalidRequest(FieldError(field="body", message=str(error))) from error


async def _json_lines(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the body chunk by chunk, as long as its whole lines are JSON with a text.

    A line of more than a megabyte is left to the worker: JSON takes many times its bytes in memory.
    """
    number, line = 1, b""
    async for chunk in _text(body):
        number, line = await run_in_threadpool(_check_whole_lines, number, line + chunk)
        yield chunk
    await run_in_threadpool(_check_line, number, line)


def _check_whole_lines(first: int, text: bytes) -> tuple[int, bytes]:
    """Check all lines that end in `text`. Returns the number of the one that does not, and its beginning."""
    *whole, rest = text.split(b"\n")
    for number, line in enumerate(whole, first):
        _check_line(number, line)
    return first + len(whole), rest[: _MAX_CHECKED_LINE + 1]


def _check_line(number: int, line: bytes) -> None:
    if len(line) > _MAX_CHECKED_LINE:
        return
    try:
        text_of_line(line)
    except InvalidTextLine as error:
        raise InvalidRequest(FieldError(field="body", message=f"line {number}: {error}")) from error


def _decode(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> None:
    try:
        text = decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        raise InvalidRequest(FieldError(field="body", message="must be UTF-8 text")) from error
    if "\0" in text:
        raise InvalidRequest(FieldError(field="body", message="must be text, without NUL characters"))


_CHECKS = {"txt": _text, "jsonl": _json_lines, gradient_files.FORMAT: _norms}
"""By ending, what passes a body on as long as it is of that format."""


def _reserve(resources: AppResources, owner: str, key: str, size: int) -> int:
    """Record that a file is about to be written. Returns how many bytes it may have."""
    quota = resources.settings.quota_bytes
    try:
        with resources.database.begin() as session:
            return uploads.announce(session, owner, key, size=size, quota=quota)
    except owned_files.QuotaExceeded as error:
        raise _quota_exceeded(quota) from error


def _abandon(resources: AppResources, key: str) -> None:
    try:
        with resources.database.begin() as session:
            uploads.abandon_upload(session, key)
    except DATABASE_UNAVAILABLE as error:
        log.warning("an upload that failed takes quota for a day: %s", type(error).__name__)


def _record(
    resources: AppResources, owner: str, name: str, ending: str, stored: StoredFile
) -> tuple[UploadItem, bool]:
    """Record the file as the owner's, or delete it: the owner has it already, or no room for it."""
    quota, created = resources.settings.quota_bytes, False
    try:
        with resources.database.begin() as session:
            upload, created = uploads.add(session, owner, name, ending, stored, quota)
            return UploadItem.of(upload), created
    except owned_files.QuotaExceeded as error:
        raise _quota_exceeded(quota) from error
    except uploads.UploadExpired as error:
        raise ServiceUnavailable("The upload took too long. Send it again.") from error
    finally:
        if not created:
            with suppress(StoreError):  # the scheduler deletes what stays
                resources.store.delete(stored.key)


def _quota_exceeded(quota: int) -> QuotaExceeded:
    return QuotaExceeded(
        f"Your uploads and gradient norms may take at most {quota} bytes together. Delete some."
    )


def storage_use(resources: AppResources, owner: str) -> StorageUse:
    """Return the sums of an owner, with the quotas."""
    settings = resources.settings
    with resources.database.begin() as session:
        stored = stored_files.stored_by(session, owner)
    return StorageUse(
        artifact_bytes=stored.artifacts,
        gradient_bytes=stored.norms,
        unfinished_bytes=stored.finished_blocks,
        cache_bytes=stored.caches,
        upload_bytes=stored.uploads,
        quota_bytes=settings.quota_bytes,
        total_bytes=stored.total,
    )
