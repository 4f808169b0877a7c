"""Lanes that could be taken, as the dispatcher offers them to idle workers of their job's queue."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select, tuple_, update
from sqlalchemy.orm import Session

from jobs.lifecycle import quota
from jobs.lifecycle.lanes import MOST_FAILURES
from jobs.states import JobState
from jobs.tables import NOW, SEARCH_NOW, GradientLane, Job


@dataclass(frozen=True, slots=True)
class Offer:
    """A lane of a running job that nobody computes."""

    queue: str
    job_id: UUID
    lane: int


def open_offers(session: Session, again_after: float) -> Sequence[Offer]:
    """Return the lanes to offer, those that are folded first in front.

    A lane that was offered, and that nobody took, is offered again after so many seconds. None is of an owner
    who has as many workers as may run its jobs. Reads the lanes
    that are not finished: a few of each job whose gradients are split.
    """
    rows = session.execute(
        select(Job.queue, GradientLane.job_id, GradientLane.lane, Job.owner)
        .join(Job, Job.id == GradientLane.job_id)
        .where(
            Job.state == JobState.RUNNING,
            GradientLane.finished_at.is_(None),
            GradientLane.failures < MOST_FAILURES,
            or_(GradientLane.token.is_(None), GradientLane.expires_at < SEARCH_NOW),
            or_(
                GradientLane.offered_at.is_(None),
                GradientLane.offered_at < SEARCH_NOW - timedelta(seconds=again_after),
            ),
        )
        .order_by(GradientLane.lane, GradientLane.job_id)
    ).all()
    at_limit = quota.at_limit(session, {row.owner for row in rows}) if rows else set()
    return [Offer(row.queue, row.job_id, row.lane) for row in rows if row.owner not in at_limit]


def mark_offered(session: Session, offers: Collection[Offer]) -> None:
    """Note that lanes are offered. Those that somebody takes just now are left alone."""
    these = tuple_(GradientLane.job_id, GradientLane.lane)
    free = (
        select(GradientLane.job_id, GradientLane.lane)
        .where(these.in_([(each.job_id, each.lane) for each in offers]))
        .with_for_update(skip_locked=True)
    )
    session.execute(update(GradientLane).where(these.in_(free)).values(offered_at=NOW))
