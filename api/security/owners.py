"""Whose jobs a request is about: one's own, or with the scope `admin` those of a named owner."""

from fastapi import Request

from api.problems.problems import ScopeMissing
from jobs.access import audit
from jobs.access.api_keys import Principal, Scope
from jobs.access.audit import Action


def visible_owner(request: Request, principal: Principal, owner: str | None) -> str:
    """Return the owner whose jobs are meant. Raises ScopeMissing for another owner's without `admin`.

    Each change of another owner's jobs is recorded in the audit log, and reads of them once an hour.
    """
    if owner is None or owner == principal.owner:
        return principal.owner
    if Scope.ADMIN not in principal.scopes:
        raise ScopeMissing(f"Another owner's jobs need the scope '{Scope.ADMIN}'.")
    subject = f"{request.method} {request.url.path}"
    with request.app.state.resources.database.begin() as session:
        if request.method == "GET":
            audit.record_look(session, principal, subject, owner)
        else:
            audit.record(session, Action.OTHERS_CHANGED, principal, subject, owner)
    return owner
