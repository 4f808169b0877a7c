"""Downloads: a stored file as an attachment, with its SHA-256 for caches and for checking."""

import base64
import hashlib
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Header, Response, status
from fastapi.responses import StreamingResponse

from api.problems.problems import NotFound
from jobs.storage.store import NotStored, Store
from jobs.tables import Artifact

IfNoneMatch = Annotated[
    str | None,
    Header(max_length=1024, description="The `ETag` of a file that you have: 304 if it is this one."),
]

DOWNLOAD_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    304: {"description": "You already have this file."},
}


def download(artifact: Artifact, store: Store, if_none_match: str | None) -> Response:
    """Stream an artifact, or answer 304 to a client that already has it."""
    headers = _headers(artifact.name, artifact.sha256)
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": headers["ETag"]})
    try:
        chunks = store.stream(artifact.key)
    except NotStored as error:
        raise NotFound("The content of this file is no longer in the store.") from error
    return StreamingResponse(
        chunks,
        media_type="application/octet-stream",
        headers=headers | {"Content-Length": str(artifact.size)},
    )


def download_bytes(name: str, content: bytes, if_none_match: str | None) -> Response:
    """Answer as `download` does, with content that is not in the store."""
    headers = _headers(name, hashlib.sha256(content).hexdigest())
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": headers["ETag"]})
    return Response(content, media_type="application/octet-stream", headers=headers)


def _headers(name: str, sha256: str) -> dict[str, str]:
    digest = base64.b64encode(bytes.fromhex(sha256)).decode()
    name = quote(name.rpartition("/")[2], safe="")
    return {
        # An attachment with a type that no browser runs: a model card must not act as a page of this origin.
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{sha256}"',
        "Repr-Digest": f"sha-256=:{digest}:",
    }
