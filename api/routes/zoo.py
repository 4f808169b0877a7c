"""The zoo: pruned models that everyone with a key for this service may see and download."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response, status
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.actions import zoo
from api.actions.zoo import NO_SUCH_ENTRY
from api.http.download import (
    DOWNLOAD_RESPONSES,
    DownloadHeaders,
    DownloadRequest,
    download,
    download_bytes,
)
from api.http.parameters import FileId
from api.problems.base import documented
from api.problems.catalogue import (
    InvalidRequest,
    MalformedRequest,
    NotFound,
    NotPromotable,
    RangeNotSatisfiable,
)
from api.resources import Database, Resources
from api.schemas.zoo import FILE_NAME, PromotionRequest, PublicReport, Slug, ZooDetail, ZooListQuery, ZooPage
from api.security.auth import Reader, Writer
from jobs.tables import Artifact
from jobs.zoo import artifact

router = APIRouter(prefix="/v1/zoo", tags=["zoo"])

SlugInPath = Annotated[Slug, Path(description="The entry's `slug`.")]


@router.get(
    "",
    summary="List the zoo, newest first",
    responses=documented(InvalidRequest),
)
def list_zoo_entries(
    query: Annotated[ZooListQuery, Query()], _principal: Reader, database: Database
) -> ZooPage:
    """List the entries of all owners that match every filter."""
    return zoo.list_page(database, query)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Show a job's model in the zoo",
    responses=documented(MalformedRequest, NotFound, NotPromotable, InvalidRequest),
)
def promote_job(
    request: PromotionRequest, principal: Writer, database: Database, response: Response
) -> ZooDetail:
    """Let everyone with a key see a job's model and download its files.

    Promoting a job again changes the note of its entry. The answer shows the job, so the key needs the scope
    `jobs:read` too.
    """
    entry = zoo.promote(database, principal, request.job_id, request.note)
    response.headers["Location"] = entry.url
    return entry


@router.get("/{slug}", summary="Look up an entry", responses=documented(NotFound, InvalidRequest))
def get_zoo_entry(slug: SlugInPath, _principal: Reader, database: Database) -> ZooDetail:
    """Return an entry with its figures, its lineage, its files, and how to load it."""
    return zoo.detail(database, slug)


@router.delete(
    "/{slug}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Withdraw an entry",
    responses=documented(NotFound, InvalidRequest),
)
def withdraw_zoo_entry(slug: SlugInPath, principal: Writer, database: Database) -> None:
    """Remove an entry from the zoo. Other owners' entries need the scope `admin`. The job keeps its files."""
    zoo.withdraw(database, principal, slug)


@router.get(
    "/{slug}/files/{file_id}/content",
    summary="Download a file of an entry",
    response_class=StreamingResponse,
    responses={**DOWNLOAD_RESPONSES, **documented(NotFound, RangeNotSatisfiable, InvalidRequest)},
)
async def download_zoo_file(
    slug: SlugInPath,
    file_id: FileId,
    principal: Reader,
    resources: Resources,
    request: DownloadHeaders,
) -> Response:
    """Download a file, or a range of it, as the files of jobs.

    The report is without paths and digests of uploads, and so differs from the file of the job.
    """
    found = await run_in_threadpool(_file, resources.database, slug, file_id, request)
    if isinstance(found, Response):
        return found
    return await download(found, resources.store, resources.store_pool, principal.owner, request)


def _file(database: Database, slug: str, file_id: UUID, request: DownloadRequest) -> Artifact | Response:
    """Return the file, or the response with the report."""
    with database.begin() as session:
        file = artifact(session, slug, file_id)
        if file is None:
            raise NotFound(NO_SUCH_ENTRY)
        if file.name == FILE_NAME:
            report = PublicReport.of(zoo.find(session, slug).job)
            return download_bytes(FILE_NAME, report.content, request)
    return file
