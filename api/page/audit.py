"""The audit log, for the scope `admin`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.page.base.render import page
from api.resources import Database
from api.schemas.audit import AuditItem, AuditPage
from api.schemas.pages import PageQuery
from api.security.auth import requires
from jobs.access import audit
from jobs.access.api_keys import Principal, Scope

router = APIRouter(include_in_schema=False)


@router.get("/audit")
def list_records(
    query: Annotated[PageQuery, Query()],
    principal: Annotated[Principal, requires(Scope.ADMIN)],
    database: Database,
) -> Response:
    """Show the records."""
    with database.begin() as session:
        rows = audit.newest(session, before=query.cursor, limit=query.rows)
    listed = AuditPage.of(rows, query, AuditItem.model_validate)
    return page(
        "audit.html", records=listed.items, older=listed.next_cursor, principal=principal, place="audit"
    )
