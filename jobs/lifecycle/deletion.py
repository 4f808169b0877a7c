"""Deletes jobs that have ended, with everything that is stored of them.

The row is deleted at once, and with it events, attempts, labels and artifacts, as well as gradient norms and
dense measurements that the job has cached. `DeletedJob` keeps its id until the scheduler has deleted the
files. An Idempotency-Key stays, and names no job any more.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete as delete_from
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from jobs.lifecycle.owner_moves import Conflict
from jobs.states import ENDED, JobState, SweepState
from jobs.storage import gradient_files
from jobs.storage.owned_files import InUse, refuse_in_use
from jobs.tables import Artifact, CachedPerplexity, DeletedJob, IdempotencyKey, Job, Sweep, ZooEntry
from pruning.recipe import GRADIENTS_ONLY


class Needed(Exception):
    """The job has ended, but something needs it; the message says what, and what to do."""


def delete(session: Session, owner: str, job_id: UUID) -> bool:
    """Delete a job that has ended. Returns False if the owner has no such job.

    Raises `Conflict` if it has not ended, and `Needed` while it is in the zoo, its sweep runs, or another job
    needs its gradient norms.
    """
    job = session.execute(
        select(Job.state, Job.sweep_id).where(Job.id == job_id, Job.owner == owner).with_for_update()
    ).one_or_none()
    if job is None:
        return False
    if job.state not in ENDED:
        raise Conflict(JobState(job.state))
    if slug := session.scalar(select(ZooEntry.slug).where(ZooEntry.job_id == job_id)):
        raise Needed(f"The job is in the zoo as {slug}. Withdraw it there first.")
    if job.sweep_id is not None:
        state = session.scalar(select(Sweep.state).where(Sweep.id == job.sweep_id))
        if state == SweepState.RUNNING:
            raise Needed("The job belongs to a sweep that is running. Cancel the sweep, or wait for its end.")
    _refuse_needed_norms(session, owner, job_id)
    remove(session, [job_id])
    return True


def _refuse_needed_norms(session: Session, owner: str, job_id: UUID) -> None:
    norms = session.scalar(
        select(Artifact)
        .join(Job, Job.id == Artifact.job_id)
        .where(Artifact.job_id == job_id, Job.method == GRADIENTS_ONLY)
        .with_for_update(of=Artifact)
    )
    if norms is not None:
        try:
            refuse_in_use(session, owner, gradient_files.reference(norms.sha256))
        except InUse as used:
            raise Needed(f"Its gradient norms are used: {used}. Cancel that, or wait for its end.") from used


def remove(session: Session, job_ids: Sequence[UUID], *, by_retention: bool = False) -> None:
    """Delete ended jobs, whose rows the caller has locked. The scheduler deletes their files.

    Those that no user has asked for (`by_retention`) come last.
    """
    if job_ids:
        rows = [{"job_id": job_id, "by_retention": by_retention} for job_id in job_ids]
        session.execute(insert(DeletedJob), rows)
        its_keys = update(IdempotencyKey).where(IdempotencyKey.job_id.in_(job_ids))
        session.execute(its_keys.values(job_id=None).execution_options(synchronize_session=False))
        session.execute(delete_from(CachedPerplexity).where(CachedPerplexity.job_id.in_(job_ids)))
        session.execute(delete_from(Job).where(Job.id.in_(job_ids)))
