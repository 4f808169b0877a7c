"""Simulated workers of several sizes, and jobs of models of known sizes, beside a real dispatcher."""

import json
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue, machines, placing
from jobs.fleet.waiting import Wait, Waits
from jobs.lifecycle import event_log, lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim
from jobs.placement.classes import Capacity, class_of
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import Cause, PlacementState
from jobs.tables import Job, Worker
from worker.dispatch import Dispatcher
from worker.dispatcher.sizing import Sizing

Database = sessionmaker[Session]

GIB = 2**30
TB = 10**12
LLAMA = {
    "model_type": "llama",
    "vocab_size": 128_256,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
OF_SIZE = {
    "405B": (16_384, 126, 53_248, 128),
    "8B": (4096, 32, 14_336, 32),
    "tiny": (64, 2, 128, 4),
}
OUT_OF_MEMORY = JobError(type="out_of_memory", message="too small; use a larger machine", cause=Cause.REQUEST)
LONG_AGO = text("clock_timestamp() - interval '31 seconds'")


@dataclass
class Fleet:
    """Rows of workers, jobs of models of known sizes, and the dispatcher's two parts that place them."""

    database: Database
    settings: Settings
    dispatcher: Dispatcher
    sizing: Sizing
    models: Path

    def worker(
        self,
        gibibytes: float,
        name: str | None = None,
        queue: str | None = None,
        *,
        one_job: bool = False,
        **changed: int,
    ) -> str:
        """Declare a worker: a CPU for 0 GiB, or a GPU with so much free memory. Returns its class.

        `queue`: another queue that it reads in place of that of its devices.
        """
        has = Capacity(
            gpus=int(gibibytes > 0),
            device_bytes=int(gibibytes * GIB),
            host_bytes=200 * GIB,
            scratch_bytes=20 * TB,
        ).model_copy(update=changed)
        queue = queue or class_of(has)
        with self.database.begin() as session:
            machines.declared(session, name or queue, [queue], has, one_job=one_job)
        return queue

    def gone(self, name: str) -> None:
        with self.database.begin() as session:
            dispatch_queue.worker_gone(session, name)

    def silent(self, name: str, seconds: float) -> None:
        """Let a worker have sent no heartbeat for so long."""
        ago = func.clock_timestamp() - timedelta(seconds=seconds)
        with self.database.begin() as session:
            session.execute(update(Worker).where(Worker.name == name).values(seen_at=ago))

    def restart(self) -> None:
        """Let another dispatcher go on, which has seen nothing."""
        self.dispatcher = Dispatcher(self.database, self.settings, clock=self.dispatcher._clock)

    def submit(self, size: str, placement: dict[str, Any] | None = None, owner: str = "ada") -> UUID:
        hidden, blocks, middle, heads = OF_SIZE[size]
        directory = self.models / size
        directory.mkdir(parents=True, exist_ok=True)
        shape = {
            "hidden_size": hidden,
            "num_hidden_layers": blocks,
            "intermediate_size": middle,
            "num_attention_heads": heads,
        }
        (directory / "config.json").write_text(json.dumps(LLAMA | shape))
        recipe = {"model": str(directory), "method": "gblm", "sparsity": 0.5}
        spec = JobSpec.model_validate({"recipe": recipe, "placement": placement})
        with self.database.begin() as session:
            return owner_moves.create(session, owner, spec).id

    def rounds(self) -> None:
        """Let the dispatcher read the configs, estimate, place and publish."""
        deadline = time.monotonic() + 120
        while True:
            self.sizing.round()
            with self.database.begin() as session:
                if not placing.unsized(session, 1):
                    break
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert self.dispatcher.round()

    def job(self, job_id: UUID) -> Job:
        with self.database.begin() as session:
            return session.get_one(Job, job_id)

    def class_of(self, job_id: UUID) -> str | None:
        job = self.job(job_id)
        return job.queue if job.placement == PlacementState.PLACED else None

    def reason(self, job_id: UUID) -> Wait:
        with self.database.begin() as session:
            return Waits(self.settings.lease_seconds).of(session, [session.get_one(Job, job_id)])[job_id]

    def told(self, job_id: UUID) -> list[str]:
        with self.database.begin() as session:
            events = event_log.since(session, job_id, 0)
        texts = [
            getattr(event.data, "message", None) or getattr(event.data, "reason", None) for event in events
        ]
        return [said for said in texts if said]

    def claim(self, job_id: UUID, worker: str) -> Claim:
        with self.database.begin() as session:
            claim = lifecycle.claim(session, job_id, worker, 30)
        assert claim is not None
        return claim

    def runs_out_of_memory(self, job_id: UUID, worker: str, *, of_host: bool = False) -> Job:
        claim = self.claim(job_id, worker)
        with self.database.begin() as session:
            assert placing.move_up(
                session, claim, worker, OUT_OF_MEMORY, self.settings.lease_seconds, of_host=of_host
            )
        return self.job(job_id)

    def may_claim(self, job_id: UUID, worker: str) -> bool:
        with self.database.begin() as session:
            return placing.fits_worker(session, job_id, worker)
