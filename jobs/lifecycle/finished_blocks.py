"""The finished blocks of a job: rows that name shards in the store. No shard counts without its row.

A row is written by the worker that holds the job, in the transaction that proves that it does, when the shard
is durable.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.states import OPEN
from jobs.storage.store import StoredFile
from jobs.tables import NOW, Job, JobBlock


def keep(
    session: Session, claim: Claim, stage: str, block: int, shard: StoredFile, conditions: Mapping[str, Any]
) -> bool:
    """A block of a running job is finished. False: stop, it is not running here.

    One that was finished before, and is now computed again, names the new shard from here on. A block that
    was never finished before is what the job's losses are counted from.
    """
    # Locks the row: whoever would take the job away comes before this transaction, or after it.
    held = session.scalar(
        update(Job).where(*lifecycle.running_under(claim)).values(progressed_at=NOW).returning(Job.id)
    )
    if held is None:
        return False
    row = {
        "attempt": claim.attempt,
        "key": shard.key,
        "size": shard.size,
        "sha256": shard.sha256,
        "conditions": dict(conditions),
        "finished_at": NOW,
    }
    is_new = session.scalar(
        insert(JobBlock)
        .values(job_id=claim.job_id, stage=stage, block=block, **row)
        .on_conflict_do_update(index_elements=[JobBlock.job_id, JobBlock.stage, JobBlock.block], set_=row)
        .returning(literal_column("xmax = 0"))  # of a row that was there already, the updating transaction
    )
    if is_new:
        session.execute(update(Job).where(Job.id == claim.job_id).values(losses=0))
    return True


def finished(session: Session, job_id: UUID, stage: str) -> Sequence[JobBlock]:
    """The rows of a stage, by block, whatever the conditions."""
    return session.scalars(
        select(JobBlock).where(JobBlock.job_id == job_id, JobBlock.stage == stage).order_by(JobBlock.block)
    ).all()


def may_go_on(session: Session, job_id: UUID) -> bool:
    """Whether an attempt of the job is under way, or another may come without anybody asking for it."""
    return session.scalar(select(Job.id).where(Job.id == job_id, Job.state.in_(OPEN))) is not None
