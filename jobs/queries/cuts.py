"""What structured pruning takes out of the models of jobs, for lists: without their reports."""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.tables import Job, ZooEntry


class Cut(NamedTuple):
    """What was asked for, and what the report says of it: None before the job has succeeded."""

    asked: dict[str, Any]
    units: list[dict[str, Any]] | None
    depth: dict[str, Any] | None


_ASKED, _FOUND = Job.spec["recipe"]["structure"], Job.report["structure"]
_CUT = (_ASKED, _FOUND["units"], _FOUND["depth"])
_HAS_ONE = func.jsonb_typeof(_ASKED) == "object"


def of_jobs(session: Session, job_ids: Collection[UUID]) -> dict[UUID, Cut]:
    """Return the cuts of those of the jobs that have one. The caller has checked whose jobs they are."""
    rows = session.execute(select(Job.id, *_CUT).where(Job.id.in_(job_ids), _HAS_ONE))
    return {job_id: Cut(*parts) for job_id, *parts in rows}


def of_entries(session: Session, slugs: Collection[str]) -> dict[str, Cut]:
    """Return the cuts of those of the zoo's entries that have one."""
    entries = select(ZooEntry.slug, *_CUT).join(Job, Job.id == ZooEntry.job_id)
    rows = session.execute(entries.where(ZooEntry.slug.in_(slugs), _HAS_ONE))
    return {slug: Cut(*parts) for slug, *parts in rows}
