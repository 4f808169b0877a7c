"""Whose jobs a page shows: one's own, or with the scope `admin` those of a named owner."""

from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BeforeValidator

from api.problems.problems import ScopeMissing
from api.security.auth import Reader
from jobs.access import audit
from jobs.access.api_keys import Principal, Scope
from jobs.access.audit import Action
from pruning.recipe import Text


def _visible_owner(request: Request, principal: Principal, owner: str | None) -> str:
    """Return the owner whose jobs are shown. Raises ScopeMissing for another owner's without `admin`.

    That somebody changes another owner's jobs is recorded in the audit log each time, and that somebody looks
    at them once an hour.
    """
    if owner is None or owner == principal.owner:
        return principal.owner
    if Scope.ADMIN not in principal.scopes:
        raise ScopeMissing(f"Looking at another owner's jobs needs the scope '{Scope.ADMIN}'.")
    subject = f"{request.method} {request.url.path}"
    with request.app.state.resources.database.begin() as session:
        if request.method == "GET":
            audit.record_look(session, principal, subject, owner)
        else:
            audit.record(session, Action.OTHERS_CHANGED, principal, subject, owner)
    return owner


# A form sends an empty field for an owner that nobody has named.
_Named = Annotated[Text | None, BeforeValidator(lambda value: value or None), Query()]


def _owner(request: Request, principal: Reader, owner: _Named = None) -> str:
    return _visible_owner(request, principal, owner)


Owner = Annotated[str, Depends(_owner)]
