"""What the attempts of a job have sent of its output: rows that outlive them, so that no file is sent twice.

The worker that holds the job writes a row once a file is in the store, in a transaction that checks the
claim. It is no artifact before the job has succeeded. While the store takes or gives nothing, the job's row
says so.
"""

from collections.abc import Sequence
from datetime import UTC, timedelta
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import LogMessage
from jobs.lifecycle.lifecycle import Claim
from jobs.lifecycle.transitions import STORE_ANSWERS
from jobs.storage.store import StoredFile
from jobs.tables import NOW, Job, SentFile


def sent(session: Session, claim: Claim, name: str, file: StoredFile) -> bool:
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


def waits(
    session: Session, claim: Claim, what: str, *, waited: float, tries: int, pause: float, is_new: bool
) -> bool:
    """Record that a running job waits for the store, and in an event if that `is_new`.

    `what`: why, for display. `waited`: the seconds since the first of `tries` has failed; `pause`: those
    until the next one. Returns False as `sent` does.
    """
    row = session.execute(
        select(Job, NOW.label("now"))
        .where(*lifecycle.running_under(claim))
        .with_for_update(of=Job)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        return False
    job: Job = row.Job
    since = job.silence_of("store")[0] or row.now - timedelta(seconds=waited)
    away = {"waiting_for": what, "store": {"since": since.isoformat(), "tries": tries}}
    job.outage = (job.outage or {}) | away
    job.next_try_at = row.now + timedelta(seconds=pause)
    if not is_new:
        return True
    began, next_try = (f"{at.astimezone(UTC):%H:%M:%S} UTC" for at in (since, job.next_try_at))
    message = f"waiting for the store since {began}, next try at {next_try}: {what}"
    session.flush()
    return lifecycle.record(session, claim, LogMessage(attempt=claim.attempt, message=message))


def record_store_recovery(session: Session, claim: Claim, message: str) -> bool:
    """Record, with an event for the job's log, that the store has answered. Returns False as `sent` does."""
    reached = update(Job).where(*lifecycle.running_under(claim)).values(STORE_ANSWERS)
    session.execute(reached)
    return lifecycle.record(session, claim, LogMessage(attempt=claim.attempt, message=message))


def of_job(session: Session, job_id: UUID) -> Sequence[SentFile]:
    """Return what was sent of a job's output."""
    return session.scalars(select(SentFile).where(SentFile.job_id == job_id)).all()


def drop(session: Session, job_id: UUID) -> None:
    """Forget what was sent of a job that has ended: its files are orphaned."""
    session.execute(delete(SentFile).where(SentFile.job_id == job_id))
