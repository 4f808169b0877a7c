"""Downloads: a stored file as an attachment, with its SHA-256 for caches and for checking."""

import base64
import hashlib
import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Header, Response, status
from fastapi.responses import StreamingResponse

from api.problems.problems import NotFound, RangeNotSatisfiable
from jobs.storage.errors import NotStored
from jobs.storage.store import Store
from jobs.tables import Artifact

IfNoneMatch = Annotated[
    str | None,
    Header(max_length=1024, description="The `ETag` of a file that you have: 304 if it is this one."),
]

WantedRange = Annotated[
    str | None,
    Header(alias="Range", max_length=1024, description="The bytes to send, such as `bytes=1000-`."),
]

IfRange = Annotated[
    str | None,
    Header(max_length=1024, description="An `ETag`: the range of this file, or all of any other one."),
]

AcceptEncoding = Annotated[
    str | None,
    Header(max_length=1024, description="With `zstd`, a file that is kept compressed is sent so."),
]

_ENCODING = "zstd"

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")

DOWNLOAD_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    206: {"description": "A range of the file.", "content": {"application/octet-stream": {}}},
    304: {"description": "You already have this file."},
}


def download(
    artifact: Artifact,
    store: Store,
    if_none_match: str | None,
    wanted_range: str | None = None,
    if_range: str | None = None,
    accept_encoding: str | None = None,
) -> Response:
    """Stream an artifact or a range of it, or answer 304 to a client that already has it.

    One range is served; several are answered with the whole file, as RFC 9110 allows. Ranges are of the plain
    bytes. A whole file that is kept compressed is sent so to a client that accepts it.

    Raises RangeNotSatisfiable.
    """
    headers = _headers(artifact.name, artifact.sha256)
    varies = {} if artifact.stored_size is None else {"Vary": "Accept-Encoding"}
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers={"ETag": headers["ETag"]} | varies)
    headers |= varies
    is_this = if_range is None or if_range == headers["ETag"]
    part = _part(wanted_range, artifact.size) if wanted_range and is_this else None
    start, end = part or (0, artifact.size)
    length, encoded = end - start, False
    if artifact.stored_size is not None and part is None and _accepts(accept_encoding):
        length, encoded = artifact.stored_size, True
        _label_encoded(headers)
    headers |= {"Content-Length": str(length), "Accept-Ranges": "bytes"}
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{artifact.size}"
    try:
        if artifact.stored_size is None or encoded:
            chunks = store.stream(artifact.key, part)
        else:
            chunks = store.stream_plain(artifact.key, artifact.size, part)
    except NotStored as error:
        raise NotFound("The content of this file is no longer in the store.") from error
    return StreamingResponse(
        chunks,
        status.HTTP_206_PARTIAL_CONTENT if part else status.HTTP_200_OK,
        media_type="application/octet-stream",
        headers=headers,
    )


def _accepts(accept_encoding: str | None) -> bool:
    """Whether a client accepts Zstandard, and says so by its name."""
    for item in (accept_encoding or "").lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() == _ENCODING:
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", weight)
    return False


def _label_encoded(headers: dict[str, str]) -> None:
    """Say that the content is encoded. The digests stay those of the plain bytes.

    So the tag is weak: a client that has a part of these bytes must not go on with a range of plain ones.
    """
    headers["Content-Encoding"] = _ENCODING
    headers["ETag"] = f"W/{headers['ETag']}"
    headers["Unencoded-Digest"] = headers.pop("Repr-Digest")


def _part(wanted: str, size: int) -> tuple[int, int] | None:
    """Return the first byte of a range and the one behind its last. None: it is not one range of bytes."""
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
