"""What owners use of the workers: device seconds, recorded when an attempt ends.

The seconds of an attempt count once for each GPU of its worker. On a worker without a GPU they are CPU
seconds, once, however many cores it has.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Integer, case, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from jobs.tables import NOW, DailyUse, Job, JobAttempt, Lease, RecentUse, Worker

HALF_LIFE_SECONDS = 6 * 3600.0
"""After so long, recent use counts half.

It bounds how long a newcomer may go before an owner who had a worker for itself: some jobs, not days.
"""

_MAX_HALF_LIVES = 100.0  # later, nothing is left; the power would underflow


def gpus_of(worker: str) -> ColumnElement[int | None]:
    """Return how many GPUs a worker computes with: 0 for a CPU, null if it was not measured."""
    devices = func.coalesce(cast(Worker.machine["devices"].astext, Integer), 1)
    device = Worker.machine["device"].astext
    gpus = case((device.is_(None), None), (device.startswith("cuda"), devices), else_=0)
    return select(gpus).where(Worker.name == worker).scalar_subquery()


def counted_now(now: ColumnElement[object]) -> ColumnElement[float]:
    """Return what a row of `RecentUse` counts at the time `now`."""
    half_lives = func.extract("epoch", now - RecentUse.at) / HALF_LIFE_SECONDS
    age = func.greatest(0.0, func.least(half_lives, _MAX_HALF_LIVES))
    return RecentUse.seconds * func.power(0.5, age)


def today() -> ColumnElement[date]:
    """Return the day by the clock of the database, in UTC."""
    return cast(func.timezone("UTC", NOW), Date)


def held_until(job_id: UUID | InstrumentedAttribute[UUID]) -> ColumnElement[datetime]:
    """Return until when a worker has had a job that it holds: now, or the end of its lease if that is over.

    After that nothing ran: the machine, or the database, was away for hours or days.
    """
    return func.least(NOW, select(Lease.expires_at).where(Lease.job_id == job_id).scalar_subquery())


_ENDED = func.coalesce(JobAttempt.ended_at, held_until(JobAttempt.job_id))
SECONDS_OF_ATTEMPT = func.extract("epoch", _ENDED - JobAttempt.started_at)
"""How long a worker has had a job, in one attempt."""

SECONDS_HELD = func.sum(SECONDS_OF_ATTEMPT)
"""How long workers have had a job, in the attempts that a query selects."""


def record(session: Session, job_id: UUID, attempt: int) -> None:
    """Record what an attempt that has just ended has used of the workers of its queue."""
    seconds = func.extract("epoch", JobAttempt.ended_at - JobAttempt.started_at)
    used = session.execute(
        select(Job.owner, Job.queue, JobAttempt.gpus, seconds.label("seconds"))
        .join(Job, Job.id == JobAttempt.job_id)
        .where(JobAttempt.job_id == job_id, JobAttempt.attempt == attempt)
    ).one_or_none()
    if used is None:
        return
    of_it = {"owner": used.owner, "queue": used.queue or "unknown"}
    wall = max(0.0, float(used.seconds))
    gpu, cpu = (wall * used.gpus, 0.0) if used.gpus else (0.0, wall)
    session.execute(
        insert(RecentUse)
        .values(**of_it, seconds=gpu + cpu)
        .on_conflict_do_update(
            index_elements=[RecentUse.owner, RecentUse.queue],
            set_={"seconds": counted_now(NOW) + gpu + cpu, "at": NOW},
        )
    )
    session.execute(
        insert(DailyUse)
        .values(**of_it, day=today(), gpu_seconds=gpu, cpu_seconds=cpu)
        .on_conflict_do_update(
            index_elements=[DailyUse.owner, DailyUse.day, DailyUse.queue],
            set_={
                "gpu_seconds": DailyUse.gpu_seconds + gpu,
                "cpu_seconds": DailyUse.cpu_seconds + cpu,
            },
        )
    )
