"""Texts for calibration and evaluation, and gradient norms: upload, list, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, status

from api.actions.files import uploads
from api.http.ids import UploadId
from api.problems.problem import documented
from api.problems.problems import (
    BodyTooLarge,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    UnsupportedMediaType,
    UploadInUse,
)
from api.resources import Resources
from api.schemas.pages import PageQuery
from api.schemas.uploads import UploadItem, UploadPage
from api.security.auth import Reader, Writer
from api.security.middleware import UPLOAD_TYPES, body_size, media_type
from pruning.recipe import Text

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string"}} for kind in UPLOAD_TYPES},
    }
}


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Upload a text or gradient norms",
    openapi_extra=_BODY,
    responses={
        200: {"model": UploadItem, "description": "You have uploaded this file before."},
        **documented(BodyTooLarge, UnsupportedMediaType, InvalidRequest, QuotaExceeded),
    },
)
async def create_upload(
    request: Request,
    name: Annotated[Text, Query(max_length=200, description="A display name; it need not be unique.")],
    principal: Writer,
    resources: Resources,
    response: Response,
) -> UploadItem:
    """Upload a text in UTF-8: as plain text, or as JSON lines with a field `text` in each.

    Or upload gradient norms: the file that a gradient job or `python -m pruning --save-gradients` has made.
    A file that was uploaded before keeps its name and time.
    """
    # The middleware checks the type of a body; a request without a body gets here with any type.
    ending = UPLOAD_TYPES.get(media_type(request.headers))
    if ending is None:
        raise UnsupportedMediaType(f"Send the body as {' or '.join(UPLOAD_TYPES)}.")
    size = body_size(request.headers, at_most=uploads.max_bytes(resources.settings, ending))
    upload, created = await uploads.receive(
        resources, principal.owner, name, ending, request.stream(), size=size
    )
    if not created:
        response.status_code = status.HTTP_200_OK
    return upload


@router.get("", summary="List uploads, newest first", responses=documented(InvalidRequest))
def list_uploads(query: Annotated[PageQuery, Query()], principal: Reader, resources: Resources) -> UploadPage:
    """List your uploads, and how much of your quota they use."""
    return uploads.list_page(resources, principal.owner, query)


@router.delete(
    "/{upload_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an upload",
    responses=documented(NotFound, UploadInUse, InvalidRequest),
)
def delete_upload(upload_id: UploadId, principal: Writer, resources: Resources) -> None:
    """Delete an upload. It is refused while a job that has not ended needs it."""
    uploads.delete(resources, principal.owner, upload_id)
