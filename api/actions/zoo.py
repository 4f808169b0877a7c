"""The zoo: list the entries, look one up, promote a job, withdraw an entry."""

from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from api.actions.jobs import NO_SUCH_JOB
from api.problems.catalogue import NotFound, NotPromotable
from api.schemas.zoo import ZooDetail, ZooItem, ZooListQuery, ZooPage
from jobs import zoo
from jobs.access import audit
from jobs.access.api_keys import Principal, Scope
from jobs.access.audit import Action
from jobs.zoo import ListedEntry

NO_SUCH_ENTRY = "There is no such entry in the zoo; it may have been withdrawn."


def list_page(database: sessionmaker[Session], query: ZooListQuery) -> ZooPage:
    """Return a page of the entries of all owners."""
    with database.begin() as session:
        entries = zoo.newest(session, query.filter(), before=query.cursor, limit=query.rows)
    return ZooPage.of(entries, query, ZooItem.of)


def find(session: Session, slug: str) -> ListedEntry:
    """Return the rows of an entry. Raises NotFound."""
    shown = zoo.get(session, slug)
    if shown is None:
        raise NotFound(NO_SUCH_ENTRY)
    return shown


def detail(database: sessionmaker[Session], slug: str) -> ZooDetail:
    """Return an entry. Raises NotFound."""
    with database.begin() as session:
        return ZooDetail.with_files(find(session, slug), zoo.artifacts(session, slug))


def promote(database: sessionmaker[Session], principal: Principal, job_id: UUID, note: str) -> ZooDetail:
    """Show one of the principal's jobs in the zoo, or change its note. Raises NotFound and NotPromotable."""
    with database.begin() as session:
        try:
            promoted = zoo.promote(session, principal.owner, job_id, note)
        except zoo.NotPublishable as error:
            raise NotPromotable from error
        if promoted is None:
            raise NotFound(NO_SUCH_JOB)
        entry, changed = promoted
        if changed:
            audit.record(session, Action.ZOO_PROMOTED, principal, f"zoo {entry.slug}", principal.owner)
        return ZooDetail.with_files(find(session, entry.slug), zoo.artifacts(session, entry.slug))


def withdraw(database: sessionmaker[Session], principal: Principal, slug: str) -> None:
    """Withdraw an entry of the principal's, or with the scope `admin` any entry. Raises NotFound."""
    allowed = None if Scope.ADMIN in principal.scopes else principal.owner
    with database.begin() as session:
        owner = zoo.withdraw(session, allowed, slug)
        if owner is None:
            raise NotFound("There is no such entry in the zoo, or it belongs to another owner.")
        audit.record(session, Action.ZOO_WITHDRAWN, principal, f"zoo {slug}", owner)
