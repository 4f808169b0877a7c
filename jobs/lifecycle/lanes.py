"""The lanes of a job's gradients: rows that its own worker opens, and that idle workers take as well.

A lane is held under a lease of its own, and guarded as a job is: every write of a worker that helps names the
lane's token, and that the job still runs in the attempt which has opened the lanes. So a worker that dies
loses its lane to another, and one that has lost it changes nothing. The job's own worker holds its lanes as
long as the job. It alone folds the sums, and deletes them.

A lane has a row as soon as it may be computed, and an unfinished one no longer than the attempt: see
`lane_leases.forget_unfinished`.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.lifecycle import event_log, finished_blocks, lane_leases, lifecycle, quota
from jobs.lifecycle.events import LogMessage
from jobs.lifecycle.lane_leases import BY_A_COWORKER, RELEASED
from jobs.lifecycle.lifecycle import Claim
from jobs.lifecycle.transitions import seconds
from jobs.states import JobState
from jobs.storage.store import StoredFile
from jobs.tables import NOW, GradientLane, Job, JobBlock

MOST_AHEAD = 8
"""So many lanes beyond those that are folded may be computed: their sums take room in the store."""

MOST_FAILURES = 2
"""After so many workers failed at lanes of a job, it is left to its own."""

_TRIES = 3

_ALIKE = GradientLane.numerics_key, GradientLane.failures, GradientLane.declined_by
"""What all lanes of a job have alike."""

_FREE = GradientLane.finished_at.is_(None) & or_(GradientLane.token.is_(None), GradientLane.expires_at < NOW)


@dataclass(frozen=True, slots=True)
class LaneClaim(Claim):
    """The lease of a worker that helps: `lease_token` is that of the one lane that it holds at a time."""

    lane: int = 0
    numerics_key: Mapping[str, Any] = field(default_factory=dict)


def open_lanes(session: Session, claim: Claim, numerics_key: Mapping[str, Any], lanes: int) -> int | None:
    """Let others take lanes of a running job. Returns how many of the first ones are folded already.

    Lanes of another key are computed again. Those that an earlier attempt of the job had given out are free.
    None: the job no longer runs under this claim.
    """
    if not _locked(session, claim):
        return None
    key = dict(numerics_key)
    of_job = GradientLane.job_id == claim.job_id
    lane_leases.forget_unfinished(session, claim.job_id)
    session.execute(delete(GradientLane).where(of_job, GradientLane.numerics_key != key))
    session.execute(update(GradientLane).where(of_job).values(failures=0, declined_by=[]))
    folded = select(func.count()).where(of_job, GradientLane.folded_at.is_not(None))
    count = session.scalars(folded).one()
    _add(session, claim.job_id, min(lanes, count + MOST_AHEAD), {"numerics_key": key})
    return count


def finished(session: Session, job_id: UUID) -> AbstractSet[int]:
    """Return the lanes whose sums are durable, folded or not."""
    return set(
        session.scalars(
            select(GradientLane.lane).where(
                GradientLane.job_id == job_id, GradientLane.finished_at.is_not(None)
            )
        )
    )


def take_own(session: Session, claim: Claim, worker: str) -> int | None:
    """Let the job's own worker take the first free lane, if there is one."""
    if not _locked(session, claim):
        return None
    return _take(session, claim.job_id, worker, uuid4(), null())


def take(
    session: Session, job_id: UUID, worker: str, lease_seconds: float, before: LaneClaim | None = None
) -> LaneClaim | None:
    """Let a worker that has nothing else to do take the first free lane of a running job, if there is one.

    Nor does it where the job's owner may have no further worker, or this one could not help before.
    `before`: the lane that it has just finished, in the same transaction; the token stays.
    """
    job = session.execute(
        select(Job.attempt, Job.owner, Job.spec, Job.worker)
        .where(Job.id == job_id, Job.state == JobState.RUNNING)
        .with_for_update(key_share=True)
    ).one_or_none()
    if job is None or job.worker == worker:
        return None
    if before is not None and before.attempt != job.attempt:
        return None
    if quota.runs_as_many_as_allowed(session, job_id):
        return None
    token = uuid4() if before is None else before.lease_token
    may = GradientLane.failures < MOST_FAILURES, ~GradientLane.declined_by.contains([worker])
    lane = _take(session, job_id, worker, token, NOW + seconds(lease_seconds), *may)
    if lane is None:
        return None
    key = session.scalars(select(GradientLane.numerics_key).where(*_lane(job_id, [lane]))).one()
    if before is None:
        _tell(session, job_id, f"worker {worker} helps with the gradients")
    return LaneClaim(job_id, job.attempt, token, job.owner, job.spec, lane=lane, numerics_key=key)


def extend(session: Session, claim: LaneClaim, lease_seconds: float) -> JobState | None:
    """Extend the lease of a worker that helps. None: it has lost it, or the job does not run any more."""
    extended = (
        update(GradientLane)
        .where(*_held(claim), Job.id == GradientLane.job_id, *_of_running_job(claim))
        .values(expires_at=NOW + seconds(lease_seconds))
        .returning(Job.state)
        .execution_options(synchronize_session=False)
    )
    # One that has waited for the end of a lane does not see the next, taken in the same transaction.
    for _ in range(_TRIES):
        if (state := session.scalar(extended)) is not None:
            return JobState(state)
    return None


def keep(
    session: Session,
    claim: LaneClaim,
    stage: str,
    block: int,
    shard: StoredFile,
    numerics_key: Mapping[str, Any],
) -> bool:
    """Record a durable shard of a lane. False: the worker has lost the lane."""
    if not _holds(session, claim):
        return False
    finished_blocks.write(session, claim, stage, block, shard, numerics_key)
    return True


def finish(session: Session, claim: LaneClaim) -> bool:
    """Record that the sums of a lane are durable. False: the worker has lost the lane."""
    this = *_lane(claim.job_id, [claim.lane]), *_held(claim)
    return _holds(session, claim) and lane_leases.end(session, *this, values={"finished_at": NOW})


def finish_own(session: Session, claim: Claim, lane: int) -> bool:
    """The same of a lane that the job's own worker has computed."""
    if not _locked(session, claim):
        return False
    session.execute(
        update(GradientLane).where(*_lane(claim.job_id, [lane])).values(RELEASED | {"finished_at": NOW})
    )
    return True


def give_back(session: Session, claim: LaneClaim) -> None:
    """Let another worker take a lane that this one computes no further."""
    _give_back(session, claim)


def decline(session: Session, claim: LaneClaim, worker: str, reason: str, *, failed: bool) -> None:
    """Give a lane back, and be offered none of the job's any more, for a reason that its log tells.

    `failed`: something went wrong that may go wrong elsewhere too, so that it counts towards
    `MOST_FAILURES`; otherwise this worker alone cannot help, or not now.
    """
    if _give_back(session, claim):
        _note(session, claim.job_id, worker, failed=failed)
        _tell(session, claim.job_id, f"worker {worker} does not help with the gradients: {reason}")


def give_back_of(session: Session, worker: str, reason: str) -> Sequence[UUID]:
    """Let others take what a worker held whose process has died. Returns the jobs that it helped."""
    of_worker = GradientLane.worker == worker, BY_A_COWORKER
    jobs = session.scalars(select(GradientLane.job_id).where(*of_worker).order_by(GradientLane.job_id)).all()
    for job_id in jobs:
        _lock(session, Job.id == job_id)
        if lane_leases.end(session, GradientLane.job_id == job_id, *of_worker):
            _note(session, job_id, worker, failed=True)
            _tell(session, job_id, f"worker {worker} helps with the gradients no more: {reason}")
    return jobs


def again(
    session: Session, claim: Claim, lanes: Collection[int], sections: Collection[int], size: int
) -> bool:
    """Let lanes be computed again. `sections`, of `size` numbers each: whose shards do not count any more."""
    if not _locked(session, claim):
        return False
    values = RELEASED | {"finished_at": None, "folded_at": None}
    session.execute(update(GradientLane).where(*_lane(claim.job_id, lanes)).values(values))
    drop_sections(session, claim, sections, size)
    return True


def folded(session: Session, claim: Claim, count: int, lanes: int) -> bool:
    """Record that the sums of the first `count` lanes are durable together, and let further ones be taken."""
    if not _locked(session, claim):
        return False
    session.execute(update(GradientLane).where(*_lane(claim.job_id, range(count))).values(folded_at=NOW))
    one = session.execute(select(*_ALIKE).where(GradientLane.job_id == claim.job_id).limit(1)).one()
    _add(session, claim.job_id, min(lanes, count + MOST_AHEAD), one._asdict())
    return True


def drop_sections(session: Session, claim: Claim, sections: Collection[int], size: int) -> Sequence[str]:
    """Forget the shards of sections of the gradients, and return their keys. `size`: of a section."""
    within = or_(*(JobBlock.block.between((at + 1) * size, (at + 2) * size - 1) for at in sections))
    dropped = delete(JobBlock).where(JobBlock.job_id == claim.job_id, JobBlock.stage == "gradients", within)
    return session.scalars(dropped.returning(JobBlock.key)).all()


def close(session: Session, claim: Claim) -> bool:
    """Forget a job's lanes: its norms are durable."""
    if not _locked(session, claim):
        return False
    session.execute(delete(GradientLane).where(GradientLane.job_id == claim.job_id))
    return True


def _add(session: Session, job_id: UUID, lanes: int, alike: Mapping[str, Any]) -> None:
    """Let the first `lanes` lanes be taken, as far as they cannot be already. `alike`: as in `_ALIKE`."""
    rows = [{"job_id": job_id, "lane": lane, **alike} for lane in range(lanes)]
    session.execute(insert(GradientLane).values(rows).on_conflict_do_nothing())


def _take(
    session: Session,
    job_id: UUID,
    worker: str,
    token: UUID,
    until: ColumnElement[Any],
    *which: ColumnElement[bool],
) -> int | None:
    free = (
        select(GradientLane.lane)
        .where(GradientLane.job_id == job_id, _FREE, *which)
        .order_by(GradientLane.lane)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    lane = session.scalar(free)
    if lane is None:
        return None
    this = GradientLane.job_id == job_id, GradientLane.lane == lane
    lane_leases.end(session, *this)  # a lease that has expired
    values = {"worker": worker, "token": token, "taken_at": NOW, "expires_at": until, "offered_at": NOW}
    session.execute(update(GradientLane).where(*this).values(values))
    return lane


def _give_back(session: Session, claim: LaneClaim) -> bool:
    _lock(session, Job.id == claim.job_id)
    this = GradientLane.job_id == claim.job_id, GradientLane.token == claim.lease_token
    return lane_leases.end(session, *this)


def _note(session: Session, job_id: UUID, worker: str, *, failed: bool) -> None:
    """Note at all lanes of a job that a worker cannot help."""
    values: dict[str, Any] = {"declined_by": func.array_append(GradientLane.declined_by, worker)}
    if failed:
        values["failures"] = GradientLane.failures + 1
    session.execute(update(GradientLane).where(GradientLane.job_id == job_id).values(values))


def _tell(session: Session, job_id: UUID, message: str) -> None:
    """Write a message for people into the events of a running job."""
    row = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.RUNNING)
        .values(last_event=Job.last_event + 1)
        .returning(Job.owner, Job.last_event, Job.attempt)
    ).one_or_none()
    if row is not None:
        event = LogMessage(attempt=row.attempt, message=message)
        event_log.append(session, job_id, row.owner, row.last_event, event)


def _locked(session: Session, claim: Claim) -> bool:
    """Whether the job still runs under this claim; it does until this transaction ends."""
    return _lock(session, *lifecycle.running_under(claim))


def _lock(session: Session, *job: ColumnElement[bool]) -> bool:
    """Lock a job's row, always before those of its lanes. Returns whether there is one that meets this."""
    return session.scalar(select(Job.id).where(*job).with_for_update(key_share=True)) is not None


def _lane(job_id: UUID, lanes: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    return GradientLane.job_id == job_id, GradientLane.lane.in_(lanes)


def _holds(session: Session, claim: LaneClaim) -> bool:
    """Whether a worker that helps still holds its lane; it does until this transaction ends."""
    # By its number too: a call that is repeated, because its answer was lost, must not mean the next lane.
    lane = select(GradientLane.lane).where(*_lane(claim.job_id, [claim.lane]), *_held(claim))
    running = _lock(session, Job.id == claim.job_id, *_of_running_job(claim))
    return running and session.scalar(lane.with_for_update()) is not None


def _held(claim: LaneClaim) -> tuple[ColumnElement[bool], ...]:
    return (
        GradientLane.job_id == claim.job_id,
        GradientLane.token == claim.lease_token,
        GradientLane.finished_at.is_(None),
        GradientLane.expires_at > NOW,
    )


def _of_running_job(claim: LaneClaim) -> tuple[ColumnElement[bool], ...]:
    return Job.state == JobState.RUNNING, Job.attempt == claim.attempt
