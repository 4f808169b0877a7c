"""The owner's uploads: a list, how to upload one, a button that deletes one."""

import shlex
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from api.actions.files import uploads
from api.page.base.render import page, public_address
from api.resources import Resources
from api.schemas.pages import PageQuery
from api.security.auth import Reader, Writer

router = APIRouter(include_in_schema=False)


@router.get("/uploads")
def list_uploads(
    request: Request, query: Annotated[PageQuery, Query()], principal: Reader, resources: Resources
) -> Response:
    """Show the uploads, and how much of the quota they use."""
    listed = uploads.list_page(resources, principal.owner, query)
    return page(
        "uploads.html",
        listed=listed,
        command=_command(public_address(request)),
        principal=principal,
        place="uploads",
    )


@router.post("/uploads/{upload_id}/delete")
def delete(upload_id: UUID, principal: Writer, resources: Resources) -> Response:
    """Delete an upload. It is refused while a job that has not ended needs it."""
    uploads.delete(resources, principal.owner, upload_id)
    return RedirectResponse("/uploads", status.HTTP_303_SEE_OTHER)


def _command(server: str) -> str:
    """Write the command that uploads a text. The key comes from the environment."""
    return (
        f"curl -sS --fail-with-body {shlex.quote(f'{server}/v1/uploads?name=my-text')} \\\n"
        '  -H "Authorization: Bearer $PRUNESERVE_API_KEY" -H "Content-Type: text/plain" \\\n'
        "  --data-binary @my-text.txt"
    )
