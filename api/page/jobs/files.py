"""All files of a job in one download: a tar that is written as it is sent."""

import tarfile
from collections.abc import Iterator, Sequence
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from api.actions import jobs
from api.problems.problems import ArtifactsExpired, NotFound
from api.resources import Resources
from api.security.auth import Reader
from jobs.queries import queries
from jobs.storage.errors import NotStored
from jobs.storage.store import Store
from jobs.tables import Artifact

router = APIRouter(include_in_schema=False)

_BLOCK = tarfile.BLOCKSIZE
_END = bytes(2 * _BLOCK)


@router.get("/jobs/{job_id}/files.tar")
def download(job_id: UUID, principal: Reader, resources: Resources) -> Response:
    """Send the files as they were before they were stored, without compression.

    A file that is gone, or that ends early, ends the answer short of its Content-Length.
    """
    with resources.database.begin() as session:
        job = jobs.find(session, principal.owner, job_id)
        files = queries.artifacts(session, job.owner, job_id)
    if not files:
        raise ArtifactsExpired if job.artifacts_expired_at else NotFound("This job has no files.")
    folder = f"pruned-{job_id.hex[-8:]}"
    heads = [_head(f"{folder}/{file.name}", file.size, int(job.created_at.timestamp())) for file in files]
    size = sum(len(head) + file.size + -file.size % _BLOCK for head, file in zip(heads, files, strict=True))
    try:
        first = _content(resources.store, files[0])
    except NotStored as error:
        raise NotFound("The content of these files is no longer in the store.") from error
    headers = {
        "Content-Disposition": f'attachment; filename="{folder}.tar"',
        "Content-Length": str(size + len(_END)),
        "Cache-Control": "private, no-store",
    }
    chunks = _archive(resources.store, files, heads, first)
    return StreamingResponse(chunks, media_type="application/x-tar", headers=headers)


def _archive(
    store: Store, files: Sequence[Artifact], heads: Sequence[bytes], first: Iterator[bytes]
) -> Iterator[bytes]:
    for number, (file, head) in enumerate(zip(files, heads, strict=True)):
        yield head
        yield from _content(store, file) if number else first
        yield bytes(-file.size % _BLOCK)
    yield _END


def _content(store: Store, file: Artifact) -> Iterator[bytes]:
    if file.stored_size is None:
        return store.stream(file.key)
    return store.stream_plain(file.key, file.size)


def _head(name: str, size: int, modified: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = size, modified
    return entry.tobuf(tarfile.GNU_FORMAT)
