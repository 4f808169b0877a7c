"""Conditional requests: `ETag`, and 304 for a client whose copy is still current."""

import hashlib
from typing import Annotated, Any

from fastapi import Depends, Header, Response, status

from pruning.version import pruneserve_version

_SERVICE = pruneserve_version()

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing has changed since the answer whose `ETag` you sent as `If-None-Match`."}
}


class ConditionalRequest:
    """The `If-None-Match` of a request, and the headers of its response."""

    def __init__(
        self,
        response: Response,
        if_none_match: Annotated[
            str | None,
            Header(max_length=1024, description="The `ETag` of an earlier answer: 304 if it is current."),
        ] = None,
    ) -> None:
        self._headers = response.headers
        self._tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}

    def not_modified(self, *state: object) -> Response | None:
        """Return a 304 if the client's copy was made from the same `state`; else tag the response."""
        digest = hashlib.sha256(repr((_SERVICE, state)).encode()).hexdigest()[:32]
        # Weak: equal tags promise equal content, not equal bytes.
        headers = {"ETag": f'W/"{digest}"', "Cache-Control": "private, no-cache"}
        if f'"{digest}"' in self._tags:
            return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
        self._headers.update(headers)
        return None


Conditional = Annotated[ConditionalRequest, Depends()]
