"""The audit log, for the scope `admin`."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.problems.problem import documented
from api.problems.problems import InvalidRequest
from api.resources import Database
from api.schemas.audit import AuditItem, AuditPage
from api.schemas.pages import PageQuery
from api.security.auth import requires
from jobs.access import audit
from jobs.access.api_keys import Principal, Scope

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", summary="List the audit log, newest first", responses=documented(InvalidRequest))
def list_audit_records(
    query: Annotated[PageQuery, Query()],
    _principal: Annotated[Principal, requires(Scope.ADMIN)],
    database: Database,
) -> AuditPage:
    """List keys made and revoked, failed sign-ins, what admins did to others' jobs, changes of the zoo."""
    with database.begin() as session:
        rows = audit.newest(session, before=query.cursor, limit=query.rows)
    return AuditPage.of(rows, query, AuditItem.model_validate)
