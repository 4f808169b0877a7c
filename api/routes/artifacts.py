"""The files that a job has produced."""

import base64
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Header, Response, status
from fastapi.responses import StreamingResponse

from api.problems.problems import ArtifactsExpired, InvalidRequest, NotFound, documented
from api.resources import Database, Parts
from api.schemas.jobs import ArtifactItem, ArtifactList
from api.security.auth import Reader
from jobs.queries import queries
from jobs.storage.store import NotStored, Store
from jobs.tables import Artifact

router = APIRouter(prefix="/v1/jobs", tags=["artifacts"])


@router.get("/{job_id}/artifacts", summary="List artifacts", responses=documented(NotFound, InvalidRequest))
def list_artifacts(job_id: UUID, who: Reader, database: Database) -> ArtifactList:
    """The files of a job, by name; none until it has succeeded, and none after they have expired."""
    with database.begin() as session:
        if queries.get(session, who.owner, job_id) is None:
            raise NotFound("There is no such job under this API key.")
        artifacts = queries.artifacts(session, who.owner, job_id)
    return ArtifactList(items=[ArtifactItem.of(artifact) for artifact in artifacts])


@router.get(
    "/{job_id}/artifacts/{artifact_id}/content",
    summary="Download an artifact",
    response_class=StreamingResponse,
    responses={
        200: {"description": "The file.", "content": {"application/octet-stream": {}}},
        304: {"description": "The client has this file already."},
        **documented(NotFound, ArtifactsExpired, InvalidRequest),
    },
)
def download(
    job_id: UUID,
    artifact_id: UUID,
    who: Reader,
    parts: Parts,
    if_none_match: Annotated[str | None, Header(max_length=1024)] = None,
) -> Response:
    """The file itself, with its SHA-256 as `ETag` and `Repr-Digest`."""
    with parts.database.begin() as session:
        artifact = queries.artifact(session, who.owner, job_id, artifact_id)
        job = queries.get(session, who.owner, job_id) if artifact is None else None
    if artifact is None:
        if job is not None and job.artifacts_expired_at is not None:
            raise ArtifactsExpired
        raise NotFound("There is no such artifact under this API key.")
    return content(artifact, parts.store, if_none_match)


def content(artifact: Artifact, store: Store, if_none_match: str | None) -> Response:
    """The answer that carries an artifact, or says that the client has it already."""
    headers = _headers(artifact)
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": headers["ETag"]})
    try:
        pieces = store.stream(artifact.key)
    except NotStored as error:
        raise NotFound("The file of this artifact is no longer in the store.") from error
    return StreamingResponse(
        pieces,
        media_type="application/octet-stream",
        headers=headers | {"Content-Length": str(artifact.size)},
    )


def _headers(artifact: Artifact) -> dict[str, str]:
    digest = base64.b64encode(bytes.fromhex(artifact.sha256)).decode()
    name = quote(artifact.name.rpartition("/")[2], safe="")
    return {
        # Attachment, and a type that nothing runs: a model card is not a page of ours.
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{artifact.sha256}"',
        "Repr-Digest": f"sha-256=:{digest}:",
    }
