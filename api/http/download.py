"""Downloads: a stored file as an attachment, with its SHA-256 for caches and for checking."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Header, Response, status
from fastapi.responses import StreamingResponse

from api.pools import BoundedPool
from api.problems.catalogue import NotFound, RangeNotSatisfiable
from jobs.storage.errors import NotStored
from jobs.storage.store import Store
from jobs.tables import Artifact


@dataclass(frozen=True, slots=True)
class DownloadRequest:
    """The headers of a download."""

    if_none_match: Annotated[
        str | None,
        Header(max_length=1024, description="The `ETag` of a file that you have: 304 if it is this one."),
    ] = None
    if_range: Annotated[
        str | None,
        Header(max_length=1024, description="An `ETag`: the range of this file, or all of any other one."),
    ] = None
    wanted_range: Annotated[
        str | None,
        Header(alias="Range", max_length=1024, description="The bytes to send, such as `bytes=1000-`."),
    ] = None
    accept_encoding: Annotated[
        str | None,
        Header(max_length=1024, description="With `zstd`, a file that is kept compressed is sent so."),
    ] = None


DownloadHeaders = Annotated[DownloadRequest, Depends()]

_ENCODING = "zstd"

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")

DOWNLOAD_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    206: {"description": "A range of the file.", "content": {"application/octet-stream": {}}},
    304: {"description": "You already have this file."},
}


async def download(
    artifact: Artifact, store: Store, pool: BoundedPool, owner: str, request: DownloadRequest
) -> Response:
    """Stream an artifact or a range of it, or respond 304 to a client that already has it.

    One range is served; for several the response is the whole file, as RFC 9110 allows. Ranges are of plain
    bytes. A whole file that is kept compressed is sent so to a client that accepts it.

    Raises RangeNotSatisfiable, and ServiceUnavailable while too many requests wait for the store.
    """
    headers = _headers(artifact.name, artifact.sha256)
    varies = {} if artifact.stored_size is None else {"Vary": "Accept-Encoding"}
    if headers["ETag"] in (request.if_none_match or ""):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": headers["ETag"]} | varies)
    headers |= varies
    is_this = request.if_range is None or request.if_range == headers["ETag"]
    part = _part(request.wanted_range, artifact.size) if request.wanted_range and is_this else None
    start, end = part or (0, artifact.size)
    length, encoded = end - start, False
    if artifact.stored_size is not None and part is None and _accepts(request.accept_encoding):
        length, encoded = artifact.stored_size, True
        _label_encoded(headers)
    headers |= {"Content-Length": str(length), "Accept-Ranges": "bytes"}
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{artifact.size}"
    opened = partial(store.stream, artifact.key) if encoded else partial(plain_content, store, artifact, part)
    try:
        chunks = await pool.run(owner, opened)
    except NotStored as error:
        raise NotFound("The content of this file is no longer in the store.") from error
    return StreamingResponse(
        pool.iterate(chunks),
        status.HTTP_206_PARTIAL_CONTENT if part else status.HTTP_200_OK,
        media_type="application/octet-stream",
        headers=headers,
    )


def plain_content(store: Store, artifact: Artifact, part: tuple[int, int] | None = None) -> Iterator[bytes]:
    """Return the uncompressed bytes of an artifact, or a range of them. Raises NotStored."""
    if artifact.stored_size is None:
        return store.stream(artifact.key, part)
    return store.stream_plain(artifact.key, artifact.size, part)


def _accepts(accept_encoding: str | None) -> bool:
    """Whether a client names Zstandard among the encodings that it accepts."""
    for item in (accept_encoding or "").lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() == _ENCODING:
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
    return False


def _label_encoded(headers: dict[str, str]) -> None:
    """Set the headers of encoded content. The SHA-256 stays that of the plain bytes.

    So the tag is weak: a client that has a part of these bytes must not go on with a range of plain ones.
    """
    headers["Content-Encoding"] = _ENCODING
    headers["ETag"] = f"W/{headers['ETag']}"


def _part(wanted: str, size: int) -> tuple[int, int] | None:
    """Return a range as [start, end). None: it is not one range of bytes."""
    match = _RANGE.fullmatch(wanted.strip())
    if match is None:
        return None
    first, last, suffix = (None if text is None else int(text) for text in match.groups())
    if first is None:
        start, end = max(0, size - (suffix or 0)), size
    else:
        if last is not None and last < first:
            return None
        start, end = first, size if last is None else min(last + 1, size)
    if start >= end:
        raise RangeNotSatisfiable(size)
    return start, end


def download_bytes(name: str, content: bytes, request: DownloadRequest) -> Response:
    """Return the response of `download` for content that is not in the store."""
    headers = _headers(name, hashlib.sha256(content).hexdigest())
    if headers["ETag"] in (request.if_none_match or ""):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": headers["ETag"]})
    return Response(content, media_type="application/octet-stream", headers=headers)


def _headers(name: str, sha256: str) -> dict[str, str]:
    name = quote(name.rpartition("/")[2], safe="")
    return {
        # An attachment with a type that no browser runs: a model card must not act as a page of this origin.
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{sha256}"',
    }
