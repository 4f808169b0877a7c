"""Run one job in this process, with a real database and store and a stand-in for the library."""

from collections.abc import Callable
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import update

from jobs import queries
from jobs.database import Database
from jobs.lifecycle import events, lifecycle, owner_moves
from jobs.lifecycle.events import Event, StateChanged
from jobs.queue import backlog
from jobs.settings import Settings
from jobs.storage.store import Store
from jobs.tables import NOW, Job
from pruning.pipeline.run import RunRequest, Services
from pruning.recipe import Stage
from worker import run_job
from worker.identity import Identity

WEIGHTS = b"pruned weights"


class StandInPerplexity(BaseModel):
    dense: float = 10.0
    pruned: float = 12.5


class StandInReport(BaseModel):
    perplexity: StandInPerplexity = StandInPerplexity()
    sparsity: dict[str, float] = {"overall": 0.5}


class StandInRun:
    """Replaces `pruning.pipeline.run.run`: writes two files, and calls `in_the_middle` between two steps."""

    def __init__(self) -> None:
        self.calls: list[Services] = []
        self.in_the_middle: Callable[[], None] = lambda: None

    def __call__(self, request: RunRequest, services: Services) -> StandInReport:
        self.calls.append(services)
        output, progress = request.output, services.progress
        progress.stage_started(Stage.PRUNE, 4)
        progress.step_finished(Stage.PRUNE, 1, 4)
        self.in_the_middle()
        progress.step_finished(Stage.PRUNE, 4, 4)
        progress.stage_finished(Stage.PRUNE, 0.5, 1000)
        (output / "more").mkdir(parents=True)
        (output / "model.safetensors").write_bytes(WEIGHTS)
        (output / "more" / "config.json").write_text("{}")
        return StandInReport()


class Service:
    """Acts on a job and reads what became of it."""

    def __init__(self, database: Database, settings: Settings, worker: Identity) -> None:
        self.database = database
        self.settings = settings
        self.worker = worker
        self.library = StandInRun()

    def run(self, job_id: UUID) -> Job:
        """Run the next job, this one if it is the only one that is queued; a next try is due now."""
        with self.database.begin() as session:
            backlog.record_needs(session, job_id, None)
            session.execute(update(Job).where(Job.next_try_at.is_not(None)).values(next_try_at=NOW))
        run_job.run_next(self.settings, self.worker, "task")
        with self.database.begin() as session:
            return session.get_one(Job, job_id)

    def cancel(self, job_id: UUID) -> None:
        with self.database.begin() as session:
            owner_moves.cancel(session, "ada", job_id)

    def take_away(self, job_id: UUID) -> None:
        with self.database.begin() as session:
            token = session.get_one(Job, job_id).lease_token
            assert token is not None
            lifecycle.take_back(session, job_id, token, "its lease ran out", 3)

    def artifacts(self, job_id: UUID) -> dict[str, bytes]:
        with self.database.begin() as session:
            rows = queries.artifacts(session, "ada", job_id)
        return {row.name: b"".join(self.store.stream(row.key)) for row in rows}

    def events(self, job_id: UUID) -> list[Event]:
        with self.database.begin() as session:
            return events.events_since(session, job_id, 0)

    @property
    def store(self) -> Store:
        return Store(self.settings.store_url)

    def stored(self) -> list[str]:
        return sorted(found.key for found in self.store.list("jobs"))


def last_reason(service: Service, job_id: UUID) -> str | None:
    """Why the job went back to the queue."""
    data = service.events(job_id)[-1].data
    assert isinstance(data, StateChanged)
    return data.reason
