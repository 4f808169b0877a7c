"""Deletes expired idempotency keys, revoked API keys, events, artifacts, finished blocks and jobs.

Each function does a bounded amount of work in the caller's transaction, and skips rows that another
scheduler has locked. No file is deleted here. When a row stops naming a file, the job's
`orphaned_files_since` is set; the scheduler then lists the job's files and deletes those that no row names.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, exists, func, select, tuple_, union_all, update
from sqlalchemy.orm import Session, aliased

from jobs.lifecycle import baselines, events, owner_moves
from jobs.lifecycle.events import LogMessage
from jobs.states import ENDED, HELD, JobState, SweepState
from jobs.tables import (
    NOW,
    SEARCH_NOW,
    ApiKey,
    Artifact,
    DeletedJob,
    IdempotencyKey,
    Job,
    JobBlock,
    JobEvent,
    SentFile,
    Sweep,
    ZooEntry,
    first_id_at,
)
from pruning.recipe import NORMS_ONLY


@dataclass(frozen=True, slots=True)
class OrphanedFiles:
    """A job whose prefix in the store may hold files that no row names."""

    job_id: UUID
    closed_attempts: int
    """Attempts 1 to this one have ended, so no row will ever name more of their files."""
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class PendingDeletion:
    """The files of a deleted job that one scheduler deletes now."""

    job_id: UUID
    reserved_until: datetime
    """When another scheduler tries, if this one dies."""


def delete_idempotency_keys(session: Session, days: float, limit: int) -> int:
    """Delete the idempotency keys that are older than `days`. Returns how many."""
    old = (
        select(IdempotencyKey.owner, IdempotencyKey.key)
        .where(IdempotencyKey.created_at < SEARCH_NOW - timedelta(days=days))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    dropped = delete(IdempotencyKey).where(tuple_(IdempotencyKey.owner, IdempotencyKey.key).in_(old))
    return len(session.scalars(dropped.returning(IdempotencyKey.key)).all())


def delete_ended_keys(session: Session, days: float, limit: int) -> int:
    """Delete the API keys that ended, revoked or expired, over `days` ago, and made no other that is left.

    The audit log keeps their ids. Returns how many.
    """
    made = aliased(ApiKey)
    old = (
        select(ApiKey.id)
        .where(
            # LEAST ignores nulls.
            func.least(ApiKey.revoked_at, ApiKey.expires_at) < SEARCH_NOW - timedelta(days=days),
            ~exists().where(made.created_by == ApiKey.id),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return len(session.scalars(delete(ApiKey).where(ApiKey.id.in_(old)).returning(ApiKey.id)).all())


def delete_progress_events(session: Session, days: float, limit: int) -> int:
    """Delete the progress events of ended jobs that are older than `days`; all other events stay.

    The last event of an ended job is a change of state, so readers always reach it. Returns how many.
    """
    old = (
        select(JobEvent.job_id, JobEvent.id)
        .join(Job, Job.id == JobEvent.job_id)
        .where(
            JobEvent.kind == "progress",
            JobEvent.at < SEARCH_NOW - timedelta(days=days),
            Job.state.in_(ENDED),
        )
        .limit(limit)
        .with_for_update(of=JobEvent, skip_locked=True)
    )
    dropped = delete(JobEvent).where(tuple_(JobEvent.job_id, JobEvent.id).in_(old))
    return len(session.scalars(dropped.returning(JobEvent.id)).all())


def expire_artifacts(session: Session, days: float, limit: int) -> int:
    """Delete the artifacts of jobs that succeeded more than `days` ago, except jobs in the zoo.

    Gradient norms are their owner's, who deletes them.
    """
    old = session.scalars(
        select(Job.id)
        .where(
            Job.state == JobState.SUCCEEDED,
            Job.artifacts_expired_at.is_(None),
            Job.ended_at < SEARCH_NOW - timedelta(days=days),
            Job.method != NORMS_ONLY,
            ~exists().where(ZooEntry.job_id == Job.id),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    # Again not in the zoo: it may have become an entry between the snapshot of that SELECT and its lock.
    expired = session.execute(
        update(Job)
        .where(Job.id.in_(old), ~exists().where(ZooEntry.job_id == Job.id))
        .values(artifacts_expired_at=NOW, orphaned_files_since=NOW, last_event=Job.last_event + 1)
        .returning(Job.id, Job.owner, Job.last_event)
    ).all()
    session.execute(delete(Artifact).where(Artifact.job_id.in_([row.id for row in expired])))
    for row in expired:
        message = LogMessage(message="the files have expired")
        events.append_event(session, row.id, row.owner, row.last_event, message)
    return len(expired)


def delete_expired_jobs(session: Session, days: float, limit: int) -> int:
    """Delete the jobs that ended more than `days` ago, but those in the zoo and those whose sweep runs.

    Gradient norms are their owner's to delete, so their jobs stay as well, and so do baselines of open jobs.

    Their ids grow with the time of submission, by which they are found. Jobs whose files are still to be
    deleted count towards `limit`: those that a user deletes wait for no long line. Returns how many.
    """
    due = select(DeletedJob.job_id).where(DeletedJob.delete_at <= SEARCH_NOW).limit(limit).subquery()
    limit -= session.scalars(select(func.count()).select_from(due)).one()
    long_ago = SEARCH_NOW - timedelta(days=days)
    before = first_id_at(session.scalars(select(long_ago)).one())
    sweep_runs = exists().where(Sweep.id == Job.sweep_id, Sweep.state == SweepState.RUNNING)
    keeps_norms = exists().where(Artifact.job_id == Job.id, Job.method == NORMS_ONLY)
    found = session.execute(
        select(Job.id, Job.owner)
        .where(
            Job.id < before,
            Job.state.in_(ENDED),
            Job.ended_at < long_ago,
            ~exists().where(ZooEntry.job_id == Job.id),
            ~sweep_runs,
            ~keeps_norms,
        )
        .order_by(Job.id)
        .limit(limit)
        .with_for_update(of=Job, skip_locked=True)
    ).all()
    in_use = baselines.in_use(session, {row.owner for row in found})
    old = [row.id for row in found if row.id not in in_use]
    owner_moves.delete_rows(session, old)
    return len(old)


def delete_empty_sweeps(session: Session, days: float, limit: int) -> int:
    """Delete the sweeps that ended more than `days` ago and have no job any more. Returns how many."""
    empty = (
        select(Sweep.id)
        .where(Sweep.ended_at < SEARCH_NOW - timedelta(days=days), ~exists().where(Job.sweep_id == Sweep.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return len(session.scalars(delete(Sweep).where(Sweep.id.in_(empty)).returning(Sweep.id)).all())


def take_deleted_jobs(session: Session, limit: int, again_after: float) -> list[PendingDeletion]:
    """Return deleted jobs whose files are to be deleted.

    Each is reserved for `again_after` seconds: until then no other scheduler gets it.
    """
    due = (
        select(DeletedJob.job_id)
        .where(DeletedJob.delete_at <= SEARCH_NOW)
        .order_by(DeletedJob.delete_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.execute(
        update(DeletedJob)
        .where(DeletedJob.job_id.in_(due))
        .values(delete_at=NOW + timedelta(seconds=again_after))
        .returning(DeletedJob.job_id, DeletedJob.delete_at)
        .execution_options(synchronize_session=False)
    )
    return [PendingDeletion(row.job_id, row.delete_at) for row in taken]


def record_files_deleted(session: Session, pending: PendingDeletion, again_after: float) -> None:
    """Record that the files were deleted; they are deleted once more after so many seconds.

    Does nothing if it took so long that another scheduler has got the job.
    """
    this = DeletedJob.job_id == pending.job_id, DeletedJob.delete_at == pending.reserved_until
    session.execute(delete(DeletedJob).where(*this, DeletedJob.is_last))
    again = {"is_last": True, "delete_at": NOW + timedelta(seconds=again_after)}
    session.execute(update(DeletedJob).where(*this).values(again))


def drop_finished_blocks(session: Session, unfinished_days: float, limit: int) -> int:
    """Delete the finished blocks of jobs that have ended and were not retried for `unfinished_days`.

    So it is with files that were sent. A job that succeeds has none of these any more. Blocks and files are
    found by their own age: none is younger than its job's end. Returns how many jobs there were.
    """
    long_ago = SEARCH_NOW - timedelta(days=unfinished_days)
    done = session.scalars(
        select(Job.id)
        .where(
            Job.id.in_(
                union_all(
                    select(JobBlock.job_id).where(JobBlock.finished_at < long_ago),
                    select(SentFile.job_id).where(SentFile.sent_at < long_ago),
                )
            ),
            Job.state.in_(ENDED),
            Job.ended_at < long_ago,
        )
        .limit(limit)
        .with_for_update(of=Job, skip_locked=True)
    ).all()
    for table in (JobBlock, SentFile):
        session.execute(delete(table).where(table.job_id.in_(done)))
    session.execute(update(Job).where(Job.id.in_(done)).values(orphaned_files_since=NOW))
    return len(done)


def take_orphaned_files(session: Session, older_than: float, limit: int) -> list[OrphanedFiles]:
    """Return jobs that have had orphaned files for `older_than` seconds, and restart the clock of each.

    So no other scheduler gets the same job before that time has passed again.
    """
    old = (
        select(Job.id)
        .where(Job.orphaned_files_since < SEARCH_NOW - timedelta(seconds=older_than))
        .order_by(Job.orphaned_files_since)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.execute(
        update(Job)
        .where(Job.id.in_(old))
        .values(orphaned_files_since=NOW)
        .returning(Job.id, Job.attempt, Job.state, Job.orphaned_files_since)
    )
    return [
        OrphanedFiles(row.id, row.attempt - (1 if row.state in HELD else 0), row.orphaned_files_since)
        for row in taken
        if row.orphaned_files_since is not None
    ]


def record_orphaned_files_deleted(session: Session, orphaned: OrphanedFiles) -> None:
    """Mark a job as clean, unless it got new orphaned files in the meantime."""
    session.execute(
        update(Job)
        .where(Job.id == orphaned.job_id, Job.orphaned_files_since == orphaned.taken_at)
        .values(orphaned_files_since=None)
    )
