"""The files that a job has produced."""

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from api.actions import jobs
from api.http.download import (
    DOWNLOAD_RESPONSES,
    AcceptEncoding,
    IfNoneMatch,
    IfRange,
    WantedRange,
    download,
)
from api.http.ids import ArtifactId, JobId
from api.problems.problem import documented
from api.problems.problems import ArtifactsExpired, InvalidRequest, NotFound, RangeNotSatisfiable
from api.resources import Database, Resources
from api.schemas.artifacts import ArtifactItem, ArtifactList
from api.security.auth import Reader
from jobs.queries import queries

router = APIRouter(prefix="/v1/jobs", tags=["artifacts"])


@router.get("/{job_id}/artifacts", summary="List artifacts", responses=documented(NotFound, InvalidRequest))
def list_artifacts(job_id: JobId, principal: Reader, database: Database) -> ArtifactList:
    """List the files of a job, ordered by name.

    The list is empty until the job has succeeded, and again after its files have expired.
    """
    with database.begin() as session:
        job = jobs.find(session, principal.owner, job_id)
        artifacts = queries.artifacts(session, job.owner, job_id)
    return ArtifactList(items=[ArtifactItem.of(artifact) for artifact in artifacts])


@router.get(
    "/{job_id}/artifacts/{artifact_id}/content",
    summary="Download an artifact",
    response_class=StreamingResponse,
    responses={
        **DOWNLOAD_RESPONSES,
        **documented(NotFound, ArtifactsExpired, RangeNotSatisfiable, InvalidRequest),
    },
)
def download_artifact(
    job_id: JobId,
    artifact_id: ArtifactId,
    principal: Reader,
    resources: Resources,
    if_none_match: IfNoneMatch = None,
    if_range: IfRange = None,
    wanted_range: WantedRange = None,
    accept_encoding: AcceptEncoding = None,
) -> Response:
    """Download a file, or a range of it. The SHA-256 of its plain bytes is sent as `ETag` and `Repr-Digest`.

    A file that is kept compressed is sent so, with `Content-Encoding: zstd`, to a client that accepts it and
    asks for no range; its `ETag` is weak then, and the SHA-256 is sent as `Unencoded-Digest`.
    """
    with resources.database.begin() as session:
        artifact = queries.artifact(session, principal.owner, job_id, artifact_id)
        job = queries.get(session, principal.owner, job_id) if artifact is None else None
    if artifact is None:
        if job is not None and job.artifacts_expired_at is not None:
            raise ArtifactsExpired
        raise NotFound("There is no such artifact, or it belongs to another owner.")
    return download(artifact, resources.store, if_none_match, wanted_range, if_range, accept_encoding)
