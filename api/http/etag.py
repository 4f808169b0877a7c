"""Conditional requests: `ETag`, and 304 for a client whose copy is still current."""

import hashlib
from typing import Annotated, Any

from fastapi import Depends, Header, Response, status
from pydantic import BaseModel

from pruning.version import pruneserve_version

_SERVICE = pruneserve_version()

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing has changed since the answer whose `ETag` you sent as `If-None-Match`."}
}


class ConditionalRequest:
    """The `If-None-Match` of a request, and its responses."""

    def __init__(self, if_none_match: str | None) -> None:
        self._tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}

    def not_modified(self, *state: object) -> Response | None:
        """Return a 304 if the client's copy was made from the same `state`."""
        headers = _tagged(state)
        if headers["ETag"].removeprefix("W/") not in self._tags:
            return None
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)

    def respond(self, shown: BaseModel, *state: object) -> Response:
        """Return what is shown, or a 304 if the client's copy was made from the same `state`.

        Without a state, by what is shown itself.
        """
        content = shown.model_dump_json()
        state = state or (content,)
        return self.not_modified(*state) or Response(
            content, headers=_tagged(state), media_type="application/json"
        )


def _tagged(state: tuple[object, ...]) -> dict[str, str]:
    digest = hashlib.sha256(repr((_SERVICE, state)).encode()).hexdigest()[:32]
    # Weak: equal tags promise equal content, not equal bytes.
    return {"ETag": f'W/"{digest}"', "Cache-Control": "private, no-cache"}


# `async`, or FastAPI would take a thread for it.
async def _conditional(
    if_none_match: Annotated[
        str | None,
        Header(max_length=1024, description="The `ETag` of an earlier answer: 304 if it is current."),
    ] = None,
) -> ConditionalRequest:
    return ConditionalRequest(if_none_match)


Conditional = Annotated[ConditionalRequest, Depends(_conditional)]
