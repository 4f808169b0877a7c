"""Texts for calibration and evaluation: upload, list, delete."""

import codecs
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.http import pagination
from api.http.pagination import PageWanted
from api.problems import problems
from api.problems.problems import BodyTooLarge, FieldError, InvalidRequest, NotFound, UploadInUse, documented
from api.resources import Database, Parts, Service
from api.security.auth import Reader, Writer
from api.security.middleware import UPLOAD_TYPES, media_type
from jobs.storage import uploads
from jobs.storage.store import StoredFile
from jobs.tables import Upload
from pruning.recipe import Text

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

_NO_UPLOAD = "There is no such upload under this API key."
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string"}} for kind in UPLOAD_TYPES},
    }
}


class UploadItem(BaseModel):
    """An uploaded text."""

    id: UUID
    name: str
    format: str = Field(examples=["txt", "jsonl"])
    size: int = Field(description="Bytes.")
    sha256: str
    created_at: datetime
    dataset: str = Field(description="What a job names it by.", examples=["upload:<id>"])

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """The upload of a row."""
        return cls(
            id=upload.id,
            name=upload.name,
            format=upload.format,
            size=upload.size,
            sha256=upload.sha256,
            created_at=upload.created_at,
            dataset=f"upload:{upload.id}",
        )


class UploadPage(BaseModel):
    """A page of a list."""

    items: list[UploadItem]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")
    used_bytes: int = Field(description="What all uploads take together.")
    quota_bytes: int = Field(description="What they may take.")


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Upload a text",
    openapi_extra=_BODY,
    responses={
        200: {"model": UploadItem, "description": "This text was uploaded before."},
        **documented(BodyTooLarge, problems.UnsupportedMediaType, InvalidRequest, problems.QuotaExceeded),
    },
)
async def create(
    request: Request,
    name: Annotated[Text, Query(max_length=200, description="For people; need not be unique.")],
    who: Writer,
    parts: Parts,
    response: Response,
) -> UploadItem:
    """The body is the text: UTF-8, as plain text or as JSON lines with a field `text` each."""
    # A write without a body passes the guards whatever it says it is.
    ending = UPLOAD_TYPES.get(media_type(request.headers))
    if ending is None:
        raise problems.UnsupportedMediaType(f"Send the body as {' or '.join(UPLOAD_TYPES)}.")
    quota = parts.settings.upload_quota_bytes
    key = f"uploads/{uuid4()}"
    room = quota - await run_in_threadpool(_announce, parts, who.owner, key)
    stored = await parts.store.put_stream(key, _checked(request, room, quota))
    upload, created = await run_in_threadpool(_record, parts, who.owner, name, ending, stored)
    if not created:
        response.status_code = status.HTTP_200_OK
    return UploadItem.of(upload)


@router.get("", summary="List uploads, newest first", responses=documented(InvalidRequest))
def list_uploads(wanted: Annotated[PageWanted, Query()], who: Reader, parts: Parts) -> UploadPage:
    """The owner's uploads, and how much room is left."""
    with parts.database.begin() as session:
        rows = uploads.newest(session, who.owner, before=wanted.cursor, limit=wanted.limit + 1)
        used = uploads.used_bytes(session, who.owner)
    shown, cursor = pagination.split(rows, wanted)
    return UploadPage(
        items=[UploadItem.of(row) for row in shown],
        next_cursor=cursor,
        used_bytes=used,
        quota_bytes=parts.settings.upload_quota_bytes,
    )


@router.get("/{upload_id}", summary="Look at an upload", responses=documented(NotFound, InvalidRequest))
def show(upload_id: UUID, who: Reader, database: Database) -> UploadItem:
    """What is known about it."""
    with database.begin() as session:
        upload = uploads.get(session, who.owner, upload_id)
    if upload is None:
        raise NotFound(_NO_UPLOAD)
    return UploadItem.of(upload)


@router.delete(
    "/{upload_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an upload",
    responses=documented(NotFound, UploadInUse, InvalidRequest),
)
def delete(upload_id: UUID, who: Writer, parts: Parts) -> None:
    """Refused while a job that has not ended needs it."""
    with parts.database.begin() as session:
        try:
            upload = uploads.remove(session, who.owner, upload_id)
        except uploads.InUse as error:
            raise UploadInUse(error.job_id) from error
    if upload is None:
        raise NotFound(_NO_UPLOAD)
    parts.store.delete(upload.key)


async def _checked(request: Request, room: int, quota: int) -> AsyncIterator[bytes]:
    """The body, piece by piece, as long as it fits and is text."""
    decoder, size = codecs.getincrementaldecoder("utf-8")(), 0
    async for piece in request.stream():
        size += len(piece)
        if size > room:
            raise _over(quota)
        _decode(decoder, piece)
        yield piece
    _decode(decoder, b"", final=True)
    if size == 0:
        raise InvalidRequest(FieldError(field="body", message="holds no text"))


def _decode(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> None:
    try:
        text = decoder.decode(piece, final)
    except UnicodeDecodeError as error:
        raise InvalidRequest(FieldError(field="body", message="must be UTF-8 text")) from error
    if "\0" in text:
        raise InvalidRequest(FieldError(field="body", message="must be text, without NUL characters"))


def _announce(parts: Service, owner: str, key: str) -> int:
    """Say that a file is to come, and how many bytes the owner's uploads take without it."""
    with parts.database.begin() as session:
        uploads.announce(session, key)
        return uploads.used_bytes(session, owner)


def _record(parts: Service, owner: str, name: str, ending: str, stored: StoredFile) -> tuple[Upload, bool]:
    """Make the file the owner's, or delete it: it is there already, or there is no room for it."""
    quota, created = parts.settings.upload_quota_bytes, False
    try:
        with parts.database.begin() as session:
            upload, created = uploads.add(session, owner, name, ending, stored, quota)
    except uploads.QuotaExceeded as error:
        raise _over(quota) from error
    except uploads.Forgotten as error:
        raise problems.ServiceUnavailable("The upload has taken too long. Send it again.") from error
    finally:
        if not created:
            parts.store.delete(stored.key)
    return upload, created


def _over(quota: int) -> problems.QuotaExceeded:
    return problems.QuotaExceeded(f"Your uploads may take {quota} bytes together. Delete some.")
