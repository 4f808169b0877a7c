"""The zoo: pruned models that all users of this service may see and download.

An entry publishes a succeeded job of an owner. It refers to the job and copies nothing, and withdrawing it
does not change the job.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, defer

from jobs.states import JobState
from jobs.tables import Artifact, Job, ZooEntry, page
from pruning.recipe import NORMS_ONLY


class NotPublishable(Exception):
    """The job cannot be published: it has not succeeded, has no model, or its files have expired."""


@dataclass(frozen=True, slots=True)
class ZooFilter:
    """Conditions on the entries to list. An empty field does not restrict the list."""

    search: str | None = None
    method: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry with its job, and the size of its files in bytes."""

    entry: ZooEntry
    job: Job
    size: int

    @property
    def id(self) -> UUID:
        """The entry's id, by which the list is paged."""
        return self.entry.id


def promote(session: Session, owner: str, job_id: UUID, note: str) -> tuple[ZooEntry, bool] | None:
    """Publish one of the owner's jobs, or change the note of its entry.

    Returns the entry, and whether it is new or has another note; None if the owner has no such job. Raises
    `NotPublishable`.
    """
    # Locked, so that its files do not expire while it becomes an entry.
    job = session.scalar(select(Job).where(Job.id == job_id, Job.owner == owner).with_for_update())
    if job is None:
        return None
    has_a_model = job.method != NORMS_ONLY
    if job.state != JobState.SUCCEEDED or job.artifacts_expired_at is not None or not has_a_model:
        raise NotPublishable
    entry = insert(ZooEntry).values(slug=_slug(job), job_id=job_id, note=note, promoted_by=owner)
    other = entry.on_conflict_do_update(
        index_elements=["job_id"], set_={"note": note}, where=ZooEntry.note != note
    )
    changed = session.scalar(other.returning(ZooEntry.id)) is not None
    return session.scalars(select(ZooEntry).where(ZooEntry.job_id == job_id)).one(), changed


def withdraw(session: Session, owner: str | None, slug: str) -> str | None:
    """Withdraw an entry. `owner` None means any. Returns its owner, or None if there is no such entry."""
    query = delete(ZooEntry).where(ZooEntry.slug == slug)
    if owner is not None:
        query = query.where(ZooEntry.job_id.in_(select(Job.id).where(Job.owner == owner)))
    of_entry = select(Job.owner).where(Job.id == ZooEntry.job_id).scalar_subquery()
    return session.scalar(query.returning(of_entry))


def newest(session: Session, wanted: ZooFilter, *, before: UUID | None, limit: int) -> Sequence[ListedEntry]:
    """Return a page of the entries, newest first, without reports and specifications."""
    query = page(_listed(), ZooEntry.id, before, limit)
    if wanted.search is not None:
        # Only in what others see, of a path the last part, or they would spell out the rest by searches.
        shown = func.regexp_replace(Job.model, "^/(.*/)?", "")
        query = query.where(shown.icontains(wanted.search, autoescape=True))
    if wanted.method is not None:
        query = query.where(Job.method == wanted.method)
    if wanted.pattern is not None:
        query = query.where(Job.pattern == wanted.pattern)
    rows = session.execute(query.options(defer(Job.report, raiseload=True), defer(Job.spec, raiseload=True)))
    return [ListedEntry(*row) for row in rows]


def get(session: Session, slug: str) -> ListedEntry | None:
    """Return one entry."""
    row = session.execute(_listed().where(ZooEntry.slug == slug)).one_or_none()
    return None if row is None else ListedEntry(*row)


def slug_of(session: Session, job_id: UUID) -> str | None:
    """Return the slug of a job's entry, or None."""
    return session.scalar(select(ZooEntry.slug).where(ZooEntry.job_id == job_id))


def artifacts(session: Session, slug: str) -> Sequence[Artifact]:
    """Return the files of an entry, sorted by name."""
    return session.scalars(
        select(Artifact)
        .join(ZooEntry, ZooEntry.job_id == Artifact.job_id)
        .where(ZooEntry.slug == slug)
        .order_by(Artifact.name)
    ).all()


def artifact(session: Session, slug: str, artifact_id: UUID) -> Artifact | None:
    """Return one file of an entry."""
    return session.scalar(
        select(Artifact)
        .join(ZooEntry, ZooEntry.job_id == Artifact.job_id)
        .where(ZooEntry.slug == slug, Artifact.id == artifact_id)
    )


def _listed() -> Select[ZooEntry, Job, int]:
    size = (
        select(func.coalesce(func.sum(Artifact.size), 0))
        .where(Artifact.job_id == Job.id)
        .correlate(Job)
        .scalar_subquery()
    )
    return select(ZooEntry, Job, size).join(Job, Job.id == ZooEntry.job_id)


def _slug(job: Job) -> str:
    """Return a slug like `smollm2-135m-gblm-50-1c0ffee5`; the end of the job's id makes it unique."""
    what = job.pattern if job.pattern != "unstructured" else f"{100 * job.sparsity:.4g}"
    name = f"{job.model.rstrip('/').rpartition('/')[2]}-{job.method}-{what}".lower()
    return f"{re.sub(r'[^a-z0-9]+', '-', name).strip('-')[:80]}-{job.id.hex[-8:]}"
