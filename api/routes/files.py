"""Stored files: artifacts of jobs, uploads, and what they take."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.actions import files, jobs
from api.http.download import DOWNLOAD_RESPONSES, DownloadHeaders, download
from api.http.parameters import ArtifactId, JobId, UploadId
from api.problems.base import documented
from api.problems.catalogue import (
    ArtifactsExpired,
    BodyTooLarge,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    RangeNotSatisfiable,
    UnsupportedMediaType,
    UploadInUse,
)
from api.resources import Database, Resources
from api.schemas.access import StorageUse
from api.schemas.base import PageQuery
from api.schemas.files import (
    ArtifactItem,
    ArtifactList,
    UploadItem,
    UploadPage,
)
from api.security.auth import Reader, Writer
from api.security.middleware import UPLOAD_TYPES, body_size, media_type
from jobs import queries
from jobs.tables import Artifact
from pruning.recipe import Text

artifacts_router = APIRouter(prefix="/v1/jobs", tags=["artifacts"])


@artifacts_router.get(
    "/{job_id}/artifacts", summary="List artifacts", responses=documented(NotFound, InvalidRequest)
)
def list_artifacts(job_id: JobId, principal: Reader, database: Database) -> ArtifactList:
    """List the files of a job, ordered by name.

    The list is empty until the job has succeeded, and again after its files have expired.
    """
    with database.begin() as session:
        job = jobs.find(session, principal.owner, job_id)
        artifacts = queries.artifacts(session, job.owner, job_id)
    return ArtifactList(items=[ArtifactItem.of(artifact) for artifact in artifacts])


@artifacts_router.get(
    "/{job_id}/artifacts/{artifact_id}/content",
    summary="Download an artifact",
    response_class=StreamingResponse,
    responses={
        **DOWNLOAD_RESPONSES,
        **documented(NotFound, ArtifactsExpired, RangeNotSatisfiable, InvalidRequest),
    },
)
async def download_artifact(
    job_id: JobId,
    artifact_id: ArtifactId,
    principal: Reader,
    resources: Resources,
    request: DownloadHeaders,
) -> Response:
    """Download a file, or a range of it. The SHA-256 of its plain bytes is sent as `ETag`.

    A file that is kept compressed is sent so, with `Content-Encoding: zstd`, to a client that accepts it and
    asks for no range; its `ETag` is weak then.
    """
    artifact = await run_in_threadpool(_artifact, resources.database, principal.owner, job_id, artifact_id)
    return await download(artifact, resources.store, resources.store_pool, principal.owner, request)


def _artifact(database: Database, owner: str, job_id: UUID, artifact_id: UUID) -> Artifact:
    with database.begin() as session:
        artifact = queries.artifact(session, owner, job_id, artifact_id)
        job = queries.get(session, owner, job_id) if artifact is None else None
    if artifact is None:
        if job is not None and job.artifacts_expired_at is not None:
            raise ArtifactsExpired
        raise NotFound("There is no such artifact, or it belongs to another owner.")
    return artifact


uploads_router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string"}} for kind in UPLOAD_TYPES},
    }
}


@uploads_router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Upload a text or gradient norms",
    openapi_extra=_BODY,
    responses={
        200: {"model": UploadItem, "description": "You have uploaded this file before."},
        **documented(BodyTooLarge, UnsupportedMediaType, InvalidRequest, QuotaExceeded),
    },
)
async def create_upload(
    request: Request,
    name: Annotated[Text, Query(max_length=200, description="A display name; it need not be unique.")],
    principal: Writer,
    resources: Resources,
    response: Response,
) -> UploadItem:
    """Upload a text in UTF-8: as plain text, or as JSON lines with a field `text` in each.

    Or upload gradient norms: the file that a gradient job or `python -m pruning --norm` has made.
    A file that was uploaded before keeps its name and time.
    """
    # The middleware checks the type of a body; a request without a body gets here with any type.
    ending = UPLOAD_TYPES.get(media_type(request.headers))
    if ending is None:
        raise UnsupportedMediaType(f"Send the body as {' or '.join(UPLOAD_TYPES)}.")
    size = body_size(request.headers, at_most=files.max_upload_bytes(resources.settings, ending))
    upload, created = await files.upload(
        resources, principal.owner, name, ending, request.stream(), size=size
    )
    if not created:
        response.status_code = status.HTTP_200_OK
    return upload


@uploads_router.get("", summary="List uploads, newest first", responses=documented(InvalidRequest))
def list_uploads(query: Annotated[PageQuery, Query()], principal: Reader, resources: Resources) -> UploadPage:
    """List your uploads, and how much of your quota they use."""
    return files.list_uploads(resources, principal.owner, query)


@uploads_router.delete(
    "/{upload_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an upload",
    responses=documented(NotFound, UploadInUse, InvalidRequest),
)
async def delete_upload(upload_id: UploadId, principal: Writer, resources: Resources) -> None:
    """Delete an upload. It is refused while a job that has not ended needs it."""
    await files.delete_upload(resources, principal.owner, upload_id)


storage_router = APIRouter(tags=["client"])


@storage_router.get("/v1/storage", summary="Look up what your files take")
def get_storage(principal: Reader, resources: Resources) -> StorageUse:
    """Return the bytes in the store of your jobs and uploads, as far as something still names them."""
    return files.storage_use(resources, principal.owner)
