"""Deletes expired idempotency keys, revoked API keys, events, artifacts, finished blocks and jobs.

Each function does a bounded amount of work in the caller's transaction, and skips rows that another
scheduler has locked. No file is deleted here. When a row stops naming a file, the job's
`orphaned_files_since` is set; the scheduler then lists the job's files and deletes those that no row names.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, tuple_, union_all, update
from sqlalchemy.orm import Session, aliased

from jobs.lifecycle import deletion, event_log
from jobs.lifecycle.events import LogMessage
from jobs.states import ENDED, HELD, JobState, SweepState
from jobs.tables import (
    NOW,
    SEARCH_NOW,
    ApiKey,
    Artifact,
    CachedGradients,
    CachedPerplexity,
    DeletedJob,
    GradientShard,
    IdempotencyKey,
    Job,
    JobBlock,
    JobEvent,
    SentFile,
    Sweep,
    ZooEntry,
    first_id_at,
)
from pruning.recipe import GRADIENTS_ONLY


@dataclass(frozen=True, slots=True)
class OrphanedFiles:
    """A job whose prefix in the store may hold files that no row names."""

    job_id: UUID
    closed_attempts: int
    """Attempts 1 to this one have ended, so no row will ever name more of their files."""
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """A look at the files of a deleted job, which deletes what there is."""

    job_id: UUID
    put_off_until: datetime
    """When it is due again, if this scheduler dies."""


def forget_idempotency_keys(session: Session, days: float, limit: int) -> int:
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


def forget_progress(session: Session, days: float, limit: int) -> int:
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
            Job.method != GRADIENTS_ONLY,
            ~exists().where(ZooEntry.job_id == Job.id),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for job_id in old:
        _delete_artifacts(session, job_id, "the files have expired")
    return len(old)


def forget_jobs(session: Session, days: float, limit: int) -> int:
    """Delete the jobs that ended more than `days` ago, but those in the zoo and those whose sweep runs.

    Gradient norms are their owner's to delete, so their jobs stay as well.

    Their ids grow with the time of submission, by which they are found. Returns how many.
    """
    long_ago = SEARCH_NOW - timedelta(days=days)
    before = first_id_at(session.scalars(select(long_ago)).one())
    sweep_runs = exists().where(Sweep.id == Job.sweep_id, Sweep.state == SweepState.RUNNING)
    keeps_norms = exists().where(Artifact.job_id == Job.id, Job.method == GRADIENTS_ONLY)
    old = session.scalars(
        select(Job.id)
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
    deletion.remove(session, old, by_retention=True)
    return len(old)


def take_deleted(session: Session, limit: int, again_after: float) -> list[Look]:
    """Return looks at deleted jobs that are due, first at those that a user has deleted.

    Each is put off for `again_after` seconds: until then no other scheduler is given it.
    """
    looks: list[Look] = []
    for of_kind in (~DeletedJob.by_retention, DeletedJob.by_retention):
        due = (
            select(DeletedJob.job_id)
            .where(of_kind, DeletedJob.look_at <= SEARCH_NOW)
            .order_by(DeletedJob.look_at)
            .limit(limit - len(looks))
            .with_for_update(skip_locked=True)
        )
        taken = session.execute(
            update(DeletedJob)
            .where(DeletedJob.job_id.in_(due))
            .values(look_at=NOW + timedelta(seconds=again_after))
            .returning(DeletedJob.job_id, DeletedJob.look_at)
            .execution_options(synchronize_session=False)
        )
        looks += [Look(row.job_id, row.look_at) for row in taken]
    return looks


def files_deleted(session: Session, look: Look, look_again_after: float) -> None:
    """Record that a look has deleted what it found: look once more after so many seconds.

    Does nothing where the look took so long that another scheduler was given it.
    """
    this = DeletedJob.job_id == look.job_id, DeletedJob.look_at == look.put_off_until
    session.execute(delete(DeletedJob).where(*this, DeletedJob.is_last))
    again = {"is_last": True, "look_at": NOW + timedelta(seconds=look_again_after)}
    session.execute(update(DeletedJob).where(*this).values(again))


def _delete_artifacts(session: Session, job_id: UUID, message: str) -> None:
    session.execute(delete(Artifact).where(Artifact.job_id == job_id))
    row = session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(artifacts_expired_at=NOW, orphaned_files_since=NOW, last_event=Job.last_event + 1)
        .returning(Job.owner, Job.last_event)
    ).one()
    event_log.append(session, job_id, row.owner, row.last_event, LogMessage(message=message))


def drop_finished_blocks(session: Session, unfinished_days: float, limit: int) -> int:
    """Delete the finished blocks of jobs that have ended and were not retried for `unfinished_days`.

    So it is with files that were sent. A job that succeeds has none of these any more. Blocks and files are
    found by their own age: none is younger than its job's end. Returns how many jobs there were.
    """
    long_ago, ended = _ended_before(unfinished_days)
    done = session.scalars(
        select(Job.id)
        .where(
            Job.id.in_(
                union_all(
                    select(JobBlock.job_id).where(JobBlock.finished_at < long_ago),
                    select(SentFile.job_id).where(SentFile.sent_at < long_ago),
                )
            ),
            *ended,
        )
        .limit(limit)
        .with_for_update(of=Job, skip_locked=True)
    ).all()
    for table in (JobBlock, SentFile):
        session.execute(delete(table).where(table.job_id.in_(done)))
    session.execute(update(Job).where(Job.id.in_(done)).values(orphaned_files_since=NOW))
    return len(done)


def _ended_before(days: float) -> tuple[ColumnElement[datetime], tuple[ColumnElement[bool], ...]]:
    """Return the time so many days ago, and the condition of jobs that have ended before it."""
    long_ago = SEARCH_NOW - timedelta(days=days)
    return long_ago, (Job.state.in_(ENDED), Job.ended_at < long_ago)


def take_orphaned_files(session: Session, older_than: float, limit: int) -> list[OrphanedFiles]:
    """Return jobs that have had orphaned files for `older_than` seconds, and restart the clock of each.

    So no other scheduler is given the same job before that time has passed again.
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


def named_keys(session: Session, job_id: UUID) -> set[str]:
    """Return the keys of all files under the job's prefix that a row names.

    By one statement, which sees one state: a success replaces the rows of what was sent by artifacts.
    """
    of_job = (select(table.key).where(table.job_id == job_id) for table in (Artifact, JobBlock, SentFile))
    # What is cached stays where the job that computed it has put it, as long as other jobs may use it.
    shards = select(GradientShard.key).join(CachedGradients).where(CachedGradients.job_id == job_id)
    states = select(CachedPerplexity.key).where(
        CachedPerplexity.job_id == job_id, CachedPerplexity.key.is_not(None)
    )
    return set(session.scalars(union_all(*of_job, shards, states)))


def orphaned_files_deleted(session: Session, orphaned: OrphanedFiles) -> None:
    """Mark a job as clean, unless it got new orphaned files in the meantime."""
    session.execute(
        update(Job)
        .where(Job.id == orphaned.job_id, Job.orphaned_files_since == orphaned.taken_at)
        .values(orphaned_files_since=None)
    )
