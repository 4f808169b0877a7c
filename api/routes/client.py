"""The first requests of a program: the owner of its key, and what that owner has stored."""

from fastapi import APIRouter

from api.actions.files import storage
from api.resources import Resources
from api.schemas.client import Me, StorageUse
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
