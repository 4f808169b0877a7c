"""What has had its time: keys, events, files and shards that are kept for a while and then no longer.

Each function does a bounded amount of work in the caller's transaction, and skips the rows that another
dispatcher has locked. Files are never deleted here. A row that stops to name one says since when its job may
have left litter in the store; whoever takes the litter away asks again which files are named.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from jobs.lifecycle import event_log
from jobs.lifecycle.events import LogMessage
from jobs.states import ENDED, HELD, RETRIABLE, JobState
from jobs.tables import NOW, Artifact, GradientShard, IdempotencyKey, Job, JobBlock, JobEvent, ZooEntry


@dataclass(frozen=True, slots=True)
class Litter:
    """A job under whose prefix files may lie that no row names."""

    job_id: UUID
    closed_attempts: int
    """The attempts 1 to this one have ended: nothing that they wrote can still come to be named."""
    taken_at: datetime


def forget_idempotency_keys(session: Session, days: float, limit: int) -> int:
    """Drop the keys that were used more than so many days ago."""
    old = (
        select(IdempotencyKey.owner, IdempotencyKey.key)
        .where(IdempotencyKey.created_at < NOW - timedelta(days=days))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    dropped = delete(IdempotencyKey).where(tuple_(IdempotencyKey.owner, IdempotencyKey.key).in_(old))
    return len(session.scalars(dropped.returning(IdempotencyKey.key)).all())


def forget_progress(session: Session, days: float, limit: int) -> int:
    """Drop the progress within the stages of jobs that have ended; how each went from state to state stays.

    The last event of an ended job is no progress, so a reader always reaches it.
    """
    old = (
        select(JobEvent.job_id, JobEvent.id)
        .join(Job, Job.id == JobEvent.job_id)
        .where(JobEvent.kind == "progress", JobEvent.at < NOW - timedelta(days=days), Job.state.in_(ENDED))
        .limit(limit)
        .with_for_update(of=JobEvent, skip_locked=True)
    )
    dropped = delete(JobEvent).where(tuple_(JobEvent.job_id, JobEvent.id).in_(old))
    return len(session.scalars(dropped.returning(JobEvent.id)).all())


def expire_artifacts(session: Session, days: float, limit: int) -> int:
    """Take the files from jobs that have succeeded more than so many days ago, unless they are in the zoo."""
    old = session.scalars(
        select(Job.id)
        .where(
            Job.state == JobState.SUCCEEDED,
            Job.artifacts_expired_at.is_(None),
            Job.succeeded_at < NOW - timedelta(days=days),
            ~exists().where(ZooEntry.job_id == Job.id),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for job_id in old:
        session.execute(delete(Artifact).where(Artifact.job_id == job_id))
        last_event = session.scalars(
            update(Job)
            .where(Job.id == job_id)
            .values(artifacts_expired_at=NOW, litter_since=NOW, last_event=Job.last_event + 1)
            .returning(Job.last_event)
        ).one()
        event_log.append(session, job_id, last_event, LogMessage(message="the files have expired"))
    return len(old)


def drop_finished_blocks(session: Session, unfinished_days: float, limit: int) -> int:
    """Let go of the blocks of jobs that have succeeded, and of those that nobody has retried for so long."""
    ended_at = func.greatest(Job.failed_at, Job.cancelled_at)
    done = session.scalars(
        select(Job.id)
        .where(
            exists().where(JobBlock.job_id == Job.id),
            or_(
                Job.state == JobState.SUCCEEDED,
                Job.state.in_(RETRIABLE) & (ended_at < NOW - timedelta(days=unfinished_days)),
            ),
        )
        .limit(limit)
        .with_for_update(of=Job, skip_locked=True)
    ).all()
    session.execute(delete(JobBlock).where(JobBlock.job_id.in_(done)))
    session.execute(update(Job).where(Job.id.in_(done)).values(litter_since=NOW))
    return len(done)


def take_litter(session: Session, older_than: float, limit: int) -> list[Litter]:
    """The jobs whose litter is so many seconds old. Nobody else is given them until it is so old again."""
    old = (
        select(Job.id)
        .where(Job.litter_since < NOW - timedelta(seconds=older_than))
        .order_by(Job.litter_since)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.execute(
        update(Job)
        .where(Job.id.in_(old))
        .values(litter_since=NOW)
        .returning(Job.id, Job.attempt, Job.state, Job.litter_since)
    )
    return [
        Litter(row.id, row.attempt - (1 if row.state in HELD else 0), row.litter_since)
        for row in taken
        if row.litter_since is not None
    ]


def named_keys(session: Session, job_id: UUID) -> set[str]:
    """Every file of the job in the store that a row names, whatever it is for."""
    directory = f"jobs/{job_id}/"
    keys: set[str] = set(session.scalars(select(Artifact.key).where(Artifact.job_id == job_id)))
    keys.update(session.scalars(select(JobBlock.key).where(JobBlock.job_id == job_id)))
    # Gradient norms belong to whoever uses them, and stay where their first job has put them.
    keys.update(session.scalars(select(GradientShard.key).where(GradientShard.key.startswith(directory))))
    return keys


def litter_is_gone(session: Session, litter: Litter) -> None:
    """Nothing is left, unless there is new litter meanwhile."""
    session.execute(
        update(Job)
        .where(Job.id == litter.job_id, Job.litter_since == litter.taken_at)
        .values(litter_since=None)
    )
