"""Rows that name what the attempts of a job have stored: finished blocks, and files of the output.

The worker that holds the job writes a row once the file is durable in the store, in a transaction that checks
the claim. A file without a row does not count. The rows outlive the attempt, so the next one computes no
block and sends no file again. A sent file is not an artifact before the job has succeeded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, false, func, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.states import JobState
from jobs.storage.store import StoredFile
from jobs.tables import (
    NOW,
    Artifact,
    CachedGradients,
    CachedPerplexity,
    GradientShard,
    Job,
    JobAttempt,
    JobBlock,
    SentFile,
)
from pruning.recipe import Stage


def record_block(
    session: Session, claim: Claim, stage: str, block: int, shard: StoredFile, numerics_key: Mapping[str, Any]
) -> bool:
    """Record a finished block of a running job, whose shard is durable.

    A block that was computed again replaces its row. A block that is finished for the first time resets the
    count of lost attempts, and the time that something outside was out of reach. So does one whose row is of
    an earlier version of the numbers: an upgrade made the job begin again. Any other key in its place does
    not, or a job that goes back and forth between unlike workers could be lost for ever. Such a row keeps the
    attempt that finished the block first: no later one gets further by it. Returns False if the job no longer
    runs under this claim: the caller must stop.
    """
    # Locks the job: it can be taken from this worker before this transaction or after it, but not during it.
    held = session.scalar(
        update(Job).where(*lifecycle.running_under(claim)).values(progressed_at=NOW).returning(Job.id)
    )
    if held is None:
        return False
    this = JobBlock.job_id == claim.job_id, JobBlock.stage == stage, JobBlock.block == block
    before = session.scalar(select(JobBlock.numerics_key).where(*this))
    is_new = before is None or before.get("numerics", 0) < numerics_key.get("numerics", 0)
    row = {
        "key": shard.key,
        "size": shard.size,
        "sha256": shard.sha256,
        "numerics_key": dict(numerics_key),
        "finished_at": NOW,
    }
    session.execute(
        insert(JobBlock)
        .values(job_id=claim.job_id, stage=stage, block=block, attempt=claim.attempt, **row)
        .on_conflict_do_update(
            index_elements=[JobBlock.job_id, JobBlock.stage, JobBlock.block],
            set_=row | ({"attempt": claim.attempt} if is_new else {}),
        )
    )
    if is_new:
        session.execute(
            update(Job).where(Job.id == claim.job_id).values(lost_attempts=0, **lifecycle.CLEAR_OUTAGE)
        )
    return True


def finished_blocks(session: Session, job_id: UUID) -> Sequence[JobBlock]:
    """Return the finished blocks of a job by stage, those of each in order, under any numerics key."""
    return session.scalars(
        select(JobBlock).where(JobBlock.job_id == job_id).order_by(JobBlock.stage, JobBlock.block)
    ).all()


def block_bytes(session: Session, job_id: UUID) -> int:
    """Return how much the shards of a job's finished blocks take in the store: evaluations have none."""
    of_blocks = JobBlock.job_id == job_id, JobBlock.stage != Stage.EVALUATE
    return int(session.scalar(select(func.sum(JobBlock.size)).where(*of_blocks)) or 0)


@dataclass(frozen=True, slots=True)
class AttemptStatus:
    """How far a job has come, for what its attempts have left on a disk."""

    state: JobState
    attempt: int
    """The number of the last attempt; 0 before the first."""
    has_run_long: bool
    """Whether it is running, and began so long ago as was asked."""


def attempt_statuses(
    session: Session, job_ids: Iterable[UUID], begun_before: float
) -> dict[UUID, AttemptStatus]:
    """Return how far each of these jobs has come that there is. `begun_before`: seconds ago."""
    long_ago = func.coalesce(JobAttempt.started_at < NOW - timedelta(seconds=begun_before), false())
    this = (JobAttempt.job_id == Job.id) & (JobAttempt.attempt == Job.attempt)
    rows = session.execute(
        select(Job.id, Job.state, Job.attempt, long_ago.label("long_ago"))
        .outerjoin(JobAttempt, this)
        .where(Job.id.in_([*job_ids]))
    )
    return {
        row.id: AttemptStatus(
            JobState(row.state), row.attempt, row.state == JobState.RUNNING and row.long_ago
        )
        for row in rows
    }


def record_sent_file(session: Session, claim: Claim, name: str, file: StoredFile) -> bool:
    """Record a file of a running job that is in the store.

    Returns False if the job no longer runs under this claim: the caller must stop. A file that is sent for
    the first time resets the count of lost attempts, as a new block does. One that is sent again does not, or
    a job whose files are others each time could be lost for ever.
    """
    known = session.scalar(select(exists().where(SentFile.job_id == claim.job_id, SentFile.name == name)))
    reached = {} if known else {"lost_attempts": 0, **lifecycle.CLEAR_OUTAGE}
    # Locks the job: it can be taken from this worker before this transaction or after it, but not during it.
    held = session.scalar(
        update(Job)
        .where(*lifecycle.running_under(claim))
        .values(progressed_at=NOW, **reached)
        .returning(Job.id)
    )
    if held is None:
        return False
    row = {
        "attempt": claim.attempt,
        "key": file.key,
        "size": file.size,
        "sha256": file.sha256,
        "stored_size": file.stored_size,
        "sent_at": NOW,
    }
    session.execute(
        insert(SentFile)
        .values(job_id=claim.job_id, name=name, **row)
        .on_conflict_do_update(index_elements=[SentFile.job_id, SentFile.name], set_=row)
    )
    return True


def sent_files(session: Session, job_id: UUID) -> Sequence[SentFile]:
    """Return what was sent of a job's output."""
    return session.scalars(select(SentFile).where(SentFile.job_id == job_id)).all()


def delete_sent_files(session: Session, job_id: UUID) -> None:
    """Forget what was sent of a job that has ended: its files are orphaned."""
    session.execute(delete(SentFile).where(SentFile.job_id == job_id))


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
