"""Whose jobs a page is about: one's own, or, for who may administer the service, those of a named owner."""

from typing import Annotated

from fastapi import Depends, Query

from api.problems.problems import ScopeMissing
from api.security.auth import Reader
from jobs.access.api_keys import Principal, Scope
from pruning.recipe import Text


def whose(who: Principal, owner: str | None) -> str:
    """The owner whose jobs are meant. Raises `ScopeMissing` for who may not look at another's."""
    if owner is None or owner == who.owner:
        return who.owner
    if Scope.ADMIN not in who.scopes:
        raise ScopeMissing(f"Looking at another owner's jobs needs the scope '{Scope.ADMIN}'.")
    return owner


def _whose(who: Reader, owner: Annotated[Text | None, Query()] = None) -> str:
    return whose(who, owner)


Owner = Annotated[str, Depends(_whose)]
