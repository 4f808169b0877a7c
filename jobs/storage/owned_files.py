"""Common to uploads and kept gradient norms: their owner, and when one may not be deleted."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from jobs.database import advisory_lock
from jobs.states import OPEN
from jobs.tables import Job


class UnknownReference(Exception):
    """A job names a file or job that its owner does not have, or cannot use for it, in the field `field`."""

    def __init__(self, field: str, named: str, message: str = "must be one of your uploads") -> None:
        """`named`: what the field names. `message`: what is wrong with it; it quotes no request."""
        super().__init__(f"{field} {message}")
        self.field = field
        self.named = named
        self.message = message


class QuotaExceeded(Exception):
    """The owner's files would exceed the quota."""


class InUse(Exception):
    """A job that has not ended uses the file."""

    def __init__(self, job_id: UUID) -> None:
        super().__init__(f"job {job_id} uses it")
        self.job_id = job_id


def content_reference(sha256: str, file_format: str) -> str:
    """Return the name of a file's content in a recipe."""
    return f"sha256:{sha256}.{file_format}"


def lock(session: Session, owner: str) -> None:
    """Serialise changes of an owner's files: no two requests may exceed the quota together."""
    advisory_lock(session, f"uploads of {owner}")


def refuse_in_use(session: Session, owner: str, reference: str) -> None:
    """Raise `InUse` while a job of the owner that has not ended names the content `reference`."""
    names_it = text(
        "jsonb_path_exists(jobs.spec, '$.** ? (@ == $content)', jsonb_build_object('content', :content))"
    )
    user = session.scalar(
        select(Job.id)
        .where(Job.owner == owner, Job.state.in_(OPEN), names_it.bindparams(content=reference))
        .limit(1)
    )
    if user is not None:
        raise InUse(user)
