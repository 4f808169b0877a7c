"""What a program asks first: who it is, what it has stored, and which client fits this server.

Nothing of PruneServe is on a package index, so each server offers its own client.
"""

from fastapi import APIRouter, Response

from api.actions.files import storage
from api.actions.files.client_wheel import client_wheel
from api.http.download import DOWNLOAD_RESPONSES, IfNoneMatch, download_bytes
from api.problems.problem import documented
from api.problems.problems import InvalidRequest
from api.resources import Resources
from api.schemas.client import ClientItem, Me, StorageUse
from api.security.auth import Anyone, Reader
from jobs.access.api_keys import Scope

router = APIRouter(tags=["client"])


@router.get("/v1/me", summary="Look up whose key this is")
def get_me(principal: Anyone) -> Me:
    """Return the owner of the key or page session that the request carries, and its scopes."""
    return Me(
        owner=principal.owner,
        key_id=principal.key_id,
        scopes=[scope for scope in Scope if scope in principal.scopes],
        expires_at=principal.expires_at,
    )


@router.get("/v1/storage", summary="Look up what your files take")
def get_storage(principal: Reader, resources: Resources) -> StorageUse:
    """Return the bytes in the store of your jobs and uploads, as far as something still names them."""
    return storage.used(resources, principal.owner)


@router.get("/v1/client", summary="Look up the client that the server offers")
def get_client(_principal: Reader) -> ClientItem:
    """Describe the wheel of the client and its command, which fits this server: install it, not a name."""
    wheel = client_wheel()
    return ClientItem(
        name=wheel.name,
        version=wheel.version,
        size=len(wheel.content),
        sha256=wheel.sha256,
        url="/v1/client/content",
    )


@router.get(
    "/v1/client/content",
    summary="Download the client",
    response_class=Response,
    responses={**DOWNLOAD_RESPONSES, **documented(InvalidRequest)},
)
def download_client(_principal: Reader, if_none_match: IfNoneMatch = None) -> Response:
    """Download the wheel. Its SHA-256 is sent as `ETag` and `Repr-Digest`."""
    wheel = client_wheel()
    return download_bytes(wheel.name, wheel.content, if_none_match)
