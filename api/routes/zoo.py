"""The zoo: pruned models that everybody on this service may see and download."""

import unicodedata
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response, status
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from api.http.etag import NOT_MODIFIED, Known
from api.problems.problems import InvalidRequest, MalformedRequest, NotFound, Problem, documented
from api.resources import Database, Parts
from api.routes.artifacts import content
from api.routes.jobs import KnownMethod
from api.schemas.jobs import decode_cursor, encode_cursor
from api.schemas.zoo import ZooDetail, ZooItem, ZooPage
from api.security.auth import Reader, Writer
from jobs import zoo
from jobs.access.api_keys import Principal, Scope
from jobs.zoo import ZooFilter
from pruning.recipe import Pattern, Text

router = APIRouter(prefix="/v1/zoo", tags=["zoo"])

Slug = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,120}$")]


def _lines(text: str) -> str:
    lines = text.replace("\r\n", "\n").strip()
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in lines.replace("\n", "")):
        raise ValueError("must not contain control characters or lone surrogates")
    return lines


Note = Annotated[str, Field(max_length=2000), AfterValidator(_lines)]


class NotPresentable(Problem):
    """A job without a result, or whose files are gone."""

    status = HTTPStatus.CONFLICT
    slug = "not-presentable"
    title = "Not presentable"
    advice = "Only a job that has succeeded, and whose files are still kept, can be put on show."


_NO_ENTRY = "There is no such entry in the zoo; it may have been withdrawn."


class ZooWanted(BaseModel):
    """Which entries to list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    search: Text | None = Field(None, description="A part of the dense model's name.")
    method: KnownMethod | None = None
    pattern: Pattern | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: Annotated[UUID, BeforeValidator(decode_cursor), WithJsonSchema({"type": "string"})] | None = (
        Field(None, description="The `next_cursor` of the page before.")
    )

    def filter(self) -> ZooFilter:
        """What narrows the list."""
        return ZooFilter(self.search, self.method, self.pattern)


class Promotion(BaseModel):
    """A job to put on show."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    job: UUID
    note: Note = Field("", description="What it is good for, in a few words.")


@router.get(
    "",
    summary="List the zoo, newest first",
    response_model=ZooPage,
    responses={**NOT_MODIFIED, **documented(InvalidRequest)},
)
def list_entries(
    wanted: Annotated[ZooWanted, Query()], who: Reader, database: Database, known: Known
) -> ZooPage | Response:
    """A page of the entries, whoever has promoted them."""
    page = read_zoo(database, wanted)
    return known.unchanged(page) or page


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Put a job's model on show",
    responses=documented(MalformedRequest, NotFound, NotPresentable, InvalidRequest),
)
def promote(wanted: Promotion, who: Writer, database: Database, response: Response) -> ZooDetail:
    """Everybody on this service may then see the entry and download its files. Again: change the note."""
    entry = put_on_show(database, who.owner, wanted.job, wanted.note)
    response.headers["Location"] = entry.url
    return entry


@router.get("/{slug}", summary="Look at an entry", responses=documented(NotFound, InvalidRequest))
def show(slug: Slug, who: Reader, database: Database) -> ZooDetail:
    """Its figures, its lineage, its files, and how to load it."""
    return read_entry(database, slug)


@router.delete(
    "/{slug}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Withdraw an entry",
    responses=documented(NotFound, InvalidRequest),
)
def withdraw(slug: Slug, who: Writer, database: Database) -> None:
    """Its owner can, and who may administer the service. The job and its files stay with their owner."""
    take_off_show(database, who, slug)


@router.get(
    "/{slug}/files/{file_id}/content",
    summary="Download a file of an entry",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The file.", "content": {"application/octet-stream": {}}},
        304: {"description": "The client has this file already."},
        **documented(NotFound, InvalidRequest),
    },
)
def download(
    slug: Slug,
    file_id: UUID,
    who: Reader,
    parts: Parts,
    if_none_match: Annotated[str | None, Header(max_length=1024)] = None,
) -> Response:
    """The file itself, with its SHA-256 as `ETag` and `Repr-Digest`."""
    with parts.database.begin() as session:
        file = zoo.artifact(session, slug, file_id)
    if file is None:
        raise NotFound(_NO_ENTRY)
    return content(file, parts.store, if_none_match)


def read_zoo(database: Database, wanted: ZooWanted) -> ZooPage:
    """A page of the zoo. One more than asked is read, to know whether another page follows."""
    with database.begin() as session:
        found = zoo.newest(session, wanted.filter(), before=wanted.cursor, limit=wanted.limit + 1)
    shown = found[: wanted.limit]
    more = len(found) > len(shown)
    return ZooPage(
        items=[ZooItem.of(one) for one in shown],
        next_cursor=encode_cursor(shown[-1].entry.id) if more else None,
    )


def read_entry(database: Database, slug: str) -> ZooDetail:
    """One entry. Raises `NotFound`."""
    with database.begin() as session:
        shown = zoo.get(session, slug)
        files = zoo.artifacts(session, slug)
    if shown is None:
        raise NotFound(_NO_ENTRY)
    return ZooDetail.with_files(shown, files)


def put_on_show(database: Database, owner: str, job_id: UUID, note: str) -> ZooDetail:
    """The entry of one of the owner's jobs, made or changed. Raises `NotFound` and `NotPresentable`."""
    with database.begin() as session:
        try:
            entry = zoo.promote(session, owner, job_id, note)
        except zoo.NotPresentable as error:
            raise NotPresentable from error
        slug = entry.slug if entry else None
    if slug is None:
        raise NotFound("There is no such job under this API key.")
    return read_entry(database, slug)


def take_off_show(database: Database, who: Principal, slug: str) -> None:
    """Withdraw an entry. Raises `NotFound` for who may not."""
    with database.begin() as session:
        if not zoo.withdraw(session, None if Scope.ADMIN in who.scopes else who.owner, slug):
            raise NotFound("There is no such entry that this API key may withdraw.")
