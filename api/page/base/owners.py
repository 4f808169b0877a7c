"""Whose jobs a page shows: one's own, or with the scope `admin` those of a named owner."""

from typing import Annotated

from fastapi import Depends, Query

from api.problems.problems import ScopeMissing
from api.security.auth import Reader
from jobs.access.api_keys import Principal, Scope
from pruning.recipe import Text


def visible_owner(principal: Principal, owner: str | None) -> str:
    """Return the owner whose jobs are shown. Raises ScopeMissing for another owner's without `admin`."""
    if owner is None or owner == principal.owner:
        return principal.owner
    if Scope.ADMIN not in principal.scopes:
        raise ScopeMissing(f"Looking at another owner's jobs needs the scope '{Scope.ADMIN}'.")
    return owner


def _owner(principal: Reader, owner: Annotated[Text | None, Query()] = None) -> str:
    return visible_owner(principal, owner)


Owner = Annotated[str, Depends(_owner)]
