"""Reads that cost little when nothing has changed: `ETag`, and 304 for a client that has it already."""

import hashlib
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Depends, Header, Response, status

_SERVICE = version("pruneserve")

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing has changed since the answer with the `ETag` that `If-None-Match` names."}
}


class Conditional:
    """What the client has, and the answer that is being made."""

    def __init__(
        self,
        response: Response,
        if_none_match: Annotated[
            str | None,
            Header(max_length=1024, description="The `ETag` of an earlier answer: 304 if it still holds."),
        ] = None,
    ) -> None:
        """Of one request."""
        self._headers = response.headers
        self._known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}

    def unchanged(self, *facts: object) -> Response | None:
        """304 if the client has what `facts` decide. Else None, and the answer goes out under its tag."""
        digest = hashlib.sha256(repr((_SERVICE, facts)).encode()).hexdigest()[:32]
        # Weak: equal in what it says, and not by promise in every byte.
        headers = {"ETag": f'W/"{digest}"', "Cache-Control": "private, no-cache"}
        if f'"{digest}"' in self._known:
            return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
        self._headers.update(headers)
        return None


Known = Annotated[Conditional, Depends()]
