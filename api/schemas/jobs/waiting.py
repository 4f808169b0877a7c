"""Why a job waits, in words."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from jobs.queue.waiting import MOST_COUNTED, Wait, WaitsFor
from jobs.tables import Job


class Waiting(BaseModel):
    """Why a job waits."""

    reason: WaitsFor = Field(
        description="What it waits for: `outside` (say, the Hub does not answer), `unschedulable` (it needs"
        " more than any connected worker has), `worker` (none is connected), `healthy_worker` (all are"
        " quarantined), `uncordoned_worker` (an operator lets none take jobs), `resumed_queue` (an operator"
        " has paused its queue), `scheduler` (none is connected), `broker` (it answers no scheduler),"
        " `database` (its disk is full; also of a running job),"
        " `checks` (its files are looked at first), `another_job` (which computes what it needs too),"
        " `own_jobs` (as many of yours run as may at once) or `its_turn`; a running job, `store`"
        " (which is full or does not answer)."
    )
    position: int | None = Field(
        description="Its place among the jobs of its class that could run, from 1; null beyond 100, for a"
        " second after it was queued, and where it could not run before something else has happened."
    )
    message: str = Field(
        description="The reason in words. With the scope `admin` they include why workers are quarantined."
    )
    job_id: UUID | None = Field(None, description="The job that it waits for.")
    since: datetime | None = Field(
        description="When something outside, the store or the broker first did not answer; null for another"
        " reason."
    )
    tries: int | None = Field(description="How many tries have failed since then.")
    next_try_at: datetime | None = Field(
        description="When it is tried again; if it is queued, once a worker is free."
    )

    @property
    def awaited(self) -> str:
        """What does not answer, where something does not."""
        return "the store" if self.reason == WaitsFor.STORE else "the Hub"

    @classmethod
    def of(cls, job: Job, wait: Wait, *, with_faults: bool) -> Self:
        """Put a reason into words, with the workers' faults or without."""
        since, tries = _silence(job, wait.reason)
        return cls(
            reason=wait.reason,
            position=wait.position,
            message=_message(job, wait, with_faults=with_faults),
            job_id=wait.job_id,
            since=since or wait.since,
            tries=tries,
            next_try_at=job.next_try_at if wait.reason in _OUTAGES else None,
        )


def _silence(job: Job, reason: WaitsFor) -> tuple[datetime | None, int | None]:
    """Return since when what the job waits for does not answer, and how often that was tried."""
    if reason == WaitsFor.STORE:
        return job.silence_of("store")
    return job.silence_of("hub") if reason == WaitsFor.OUTSIDE else (None, None)


def _message(job: Job, wait: Wait, *, with_faults: bool) -> str:
    if wait.reason in _OUTAGES:
        return job.waiting_for or ""
    if wait.reason == WaitsFor.CHECKS and not job.checks_pending:
        return "its size is estimated, to choose a worker"
    return _in_words(wait, with_faults=with_faults)


def _in_words(wait: Wait, *, with_faults: bool) -> str:
    if wait.reason == WaitsFor.OWN_JOBS:
        return f"{_running(wait.running)}, as many as may at once"
    if wait.reason == WaitsFor.ITS_TURN:
        return _place(wait)
    if wait.reason == WaitsFor.ANOTHER_JOB:
        return f"job {wait.job_id} computes gradients that it needs too"
    if wait.shortage is not None:
        return wait.shortage
    of_class = "" if wait.worker_class is None else f" of the class {wait.worker_class}"
    faults = "; ".join(filter(None, wait.faults)) if with_faults else ""
    return _WAITS_FOR[wait.reason].format(of_class=of_class) + (f": {faults}" if faults else "")


def _running(count: int) -> str:
    return f"{count} of your jobs {'runs' if count == 1 else 'run'}"


def _place(wait: Wait) -> str:
    if wait.position is None:
        return "it was just queued" if wait.is_new else f"behind more than {MOST_COUNTED} others in the queue"
    return "next in the queue" if wait.position == 1 else f"position {wait.position} in the queue"


_OUTAGES = (WaitsFor.OUTSIDE, WaitsFor.STORE)

_WAITS_FOR = {
    WaitsFor.DATABASE: "the database's disk is full; the operator must make room",
    WaitsFor.WORKER: "no worker{of_class} is connected",
    WaitsFor.HEALTHY_WORKER: "every worker{of_class} is quarantined",
    WaitsFor.UNCORDONED_WORKER: "an operator lets the workers{of_class} take no more jobs",
    WaitsFor.RESUMED_QUEUE: "an operator has paused the queue{of_class}",
    WaitsFor.SCHEDULER: "no scheduler is connected",
    WaitsFor.BROKER: "the broker does not answer, so no job reaches a worker",
    WaitsFor.CHECKS: "its files are looked at first",
}
