"""Every registered worker, for those who run the service: its state, its device, and the job that it runs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.fleet import quarantine
from jobs.states import HELD
from jobs.tables import NOW, Job, Worker


class WorkerState(StrEnum):
    """What a worker does."""

    IDLE = "idle"
    BUSY = "busy"
    QUARANTINED = "quarantined"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class RunningJob:
    """The job that a worker holds."""

    id: UUID
    owner: str
    stage: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """A registered worker."""

    worker: Worker
    silent: bool
    job: RunningJob | None

    @property
    def state(self) -> WorkerState:
        """What it does. A silent one may be dead, whatever it did before."""
        if self.silent:
            return WorkerState.SILENT
        if self.worker.quarantined_at is not None:
            return WorkerState.QUARANTINED
        return WorkerState.IDLE if self.job is None else WorkerState.BUSY

    @property
    def since(self) -> datetime | None:
        """Since when, where that is known."""
        match self.state:
            case WorkerState.SILENT:
                return self.worker.seen_at
            case WorkerState.QUARANTINED:
                return self.worker.quarantined_at
            case _:
                return None if self.job is None else self.job.since

    @property
    def device(self) -> str | None:
        """The device that it computes on, once it has been measured."""
        return None if self.worker.machine is None else str(self.worker.machine["device"])


def workers(session: Session, seen_within: float) -> list[Seen]:
    """Return the registered workers in the order of `quarantine.workers`.

    One without a heartbeat in the last `seen_within` seconds is silent.
    """
    rows = quarantine.workers(session)
    now: datetime = session.scalars(select(NOW)).one()
    held = select(Job.worker, Job.id, Job.owner, Job.stage, Job.running_at).where(
        Job.state.in_(HELD), Job.worker.in_([row.name for row in rows])
    )
    running = {
        row.worker: RunningJob(row.id, row.owner, row.stage, row.running_at) for row in session.execute(held)
    }
    return [
        Seen(row, (now - row.seen_at).total_seconds() >= seen_within, running.get(row.name)) for row in rows
    ]
