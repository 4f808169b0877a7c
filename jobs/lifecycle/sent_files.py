"""What the attempts of a job have sent of its output: rows that outlive them, so that no file is sent twice.

The worker that holds the job writes a row when it begins to send a file in parts, and once the file is in the
store, in a transaction that checks the claim. Neither is an artifact before the job has succeeded. While the
store takes or gives nothing, the job's row says so.
"""

from collections.abc import Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import LogMessage
from jobs.lifecycle.lifecycle import Claim
from jobs.lifecycle.transitions import STORE_ANSWERS, seconds
from jobs.states import JobState
from jobs.storage.multipart import PendingUpload
from jobs.storage.store import Store, StoredFile
from jobs.tables import NOW, Job, SentFile


def begun(session: Session, claim: Claim, name: str, size: int, upload: PendingUpload) -> bool:
    """Record that a file of a running job is being sent in parts.

    Returns False if the job no longer runs under this claim: the caller must stop.
    """
    return _write(session, claim, name, _of_upload(upload, size))


def left(session: Session, claim: Claim, size: int, upload: PendingUpload) -> bool:
    """Record an upload in parts that no attempt will go on with, and that could not be aborted.

    It has a row of its own, under a name that no file has, because the file's is about to name another
    upload. It is aborted with what the job has begun when it ends. Returns False as `begun` does.
    """
    return _write(session, claim, f"/{upload.upload_id}", _of_upload(upload, size))


def sent(session: Session, claim: Claim, name: str, file: StoredFile) -> bool:
    """Record a file of a running job that is in the store. Returns False as `begun` does.

    A file that is sent for the first time resets the count of lost attempts, as a new block does. One that is
    begun again does not, or a job whose files are others each time could be lost for ever.
    """
    known = select(SentFile.was_sent).where(SentFile.job_id == claim.job_id, SentFile.name == name)
    is_new = not session.scalar(known)
    row = {
        "key": file.key,
        "upload_id": None,
        "size": file.size,
        "sha256": file.sha256,
        "stored_size": file.stored_size,
        "was_sent": True,
    }
    if not _write(session, claim, name, row):
        return False
    if is_new:
        session.execute(
            update(Job).where(Job.id == claim.job_id).values(lost_attempts=0, **lifecycle.REACHED)
        )
    return True


def waits(
    session: Session, claim: Claim, what: str, *, waited: float, tries: int, pause: float, is_new: bool
) -> bool:
    """Record that a running job waits for the store, and in an event if that `is_new`.

    `what`: why, for people. `waited`: the seconds since the first of `tries` has failed; `pause`: those until
    the next one. Returns False as `begun` does.
    """
    row = session.execute(
        update(Job)
        .where(*lifecycle.running_under(claim))
        .values(
            waiting_for=what,
            store_away_since=func.coalesce(Job.store_away_since, NOW - seconds(waited)),
            store_tries=tries,
            next_try_at=NOW + seconds(pause),
        )
        .returning(Job.store_away_since, Job.next_try_at)
    ).one_or_none()
    if row is None:
        return False
    if not is_new:
        return True
    since, next_try = (f"{at.astimezone(UTC):%H:%M:%S} UTC" for at in row)
    message = f"waiting for the store since {since}, next try at {next_try}: {what}"
    return lifecycle.record(session, claim, LogMessage(attempt=claim.attempt, message=message))


def waits_no_more(session: Session, claim: Claim, message: str) -> bool:
    """Record, with an event for people, that the store has answered. Returns False as `begun` does."""
    reached = update(Job).where(*lifecycle.running_under(claim)).values(STORE_ANSWERS)
    session.execute(reached)
    return lifecycle.record(session, claim, LogMessage(attempt=claim.attempt, message=message))


def of_job(session: Session, job_id: UUID) -> Sequence[SentFile]:
    """Return what was sent of a job's output, and what was begun."""
    return session.scalars(select(SentFile).where(SentFile.job_id == job_id)).all()


def drop(session: Session, job_id: UUID) -> None:
    """Forget what was sent of a job that has ended: its files are orphaned.

    What was begun stays on record until it is aborted: not every store finds it without its name.
    """
    session.execute(delete(SentFile).where(SentFile.job_id == job_id, SentFile.upload_id.is_(None)))


def abort_begun(
    database: sessionmaker[Session], store: Store, job_id: UUID, rows: Sequence[SentFile]
) -> None:
    """Abort what was begun of these files of a job, and forget it then.

    A job that is retried meanwhile begins it anew. Raises StoreError, and forgets nothing, if the store does
    not answer or refuses the credentials. What it never aborts for us is its lifecycle rules' to delete, and
    forgotten as well.
    """
    begun = [PendingUpload(row.key, row.upload_id) for row in rows if row.upload_id is not None]
    if not begun:
        return
    store.abort_uploads(begun)
    ids = [upload.upload_id for upload in begun]
    with database.begin() as session:
        session.execute(delete(SentFile).where(SentFile.job_id == job_id, SentFile.upload_id.in_(ids)))


def discard_unwanted(database: sessionmaker[Session], store: Store, job_id: UUID) -> None:
    """Abort what a job that succeeded or was cancelled has begun to send, and forget what it has sent.

    Nothing is read of a job in another state, and its row is not locked. Raises StoreError as `abort_begun`
    does.
    """
    unwanted = Job.id == job_id, Job.state.in_((JobState.SUCCEEDED, JobState.CANCELLED))
    with database.begin() as session:
        of_job = select(SentFile).join(Job, Job.id == SentFile.job_id).where(*unwanted)
        rows = session.scalars(of_job).all()
    if not rows:
        return
    abort_begun(database, store, job_id, rows)
    with database.begin() as session:
        # A retry waits: its attempt must not go on from a file whose row is about to go.
        if session.scalar(select(Job.id).where(*unwanted).with_for_update()) is not None:
            drop(session, job_id)


def _of_upload(upload: PendingUpload, size: int) -> dict[str, Any]:
    return {
        "key": upload.key,
        "upload_id": upload.upload_id,
        "size": size,
        "sha256": None,
        "stored_size": None,
    }


def _write(session: Session, claim: Claim, name: str, row: dict[str, Any]) -> bool:
    # Locks the job: it can be taken from this worker before this transaction or after it, but not during it.
    held = session.scalar(
        update(Job).where(*lifecycle.running_under(claim)).values(progressed_at=NOW).returning(Job.id)
    )
    if held is None:
        return False
    row |= {"attempt": claim.attempt, "sent_at": NOW}
    session.execute(
        insert(SentFile)
        .values(job_id=claim.job_id, name=name, **row)
        .on_conflict_do_update(index_elements=[SentFile.job_id, SentFile.name], set_=row)
    )
    return True
