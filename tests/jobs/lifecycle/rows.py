"""What is written of a job: its row, its events, its last attempt; and what the moves of the tests write."""

from typing import Any
from uuid import UUID

from sqlalchemy import inspect

from jobs import queries
from jobs.database import Database
from jobs.lifecycle import events
from jobs.lifecycle.events import EventData, JobError
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.tables import Job, JobAttempt

REPORT = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "sparsity": {"overall": 0.5}}
ARTIFACT = FinishedArtifact("model.safetensors", "jobs/1/attempts/1/output/model.safetensors", 7, "ab" * 32)
ERROR = JobError(type="invalid_input", message="no such model", field="model.id")
STORED_ERROR = {"type": "invalid_input", "message": "no such model", "field": "model.id"}


_DOCUMENTS = ("progress", "figures", "outage")
_PARTS = (
    *("stage", "step", "steps", "seconds_left", "memory_bytes", "awaited", "waiting_for"),
    "gate_state",
    *("dense_perplexity", "kl", "agreement", "parameters", "weight_bytes", "stored_weight_bytes", "speedup"),
)


def row_of(database: Database, job_id: UUID) -> dict[str, Any]:
    """The columns of a job, with the parts of its documents in place of these."""
    with database.begin() as session:
        job = session.get_one(Job, job_id)
        columns = {column.key: getattr(job, column.key) for column in inspect(Job).column_attrs}
    since, tries, _ = job.outage_of("hub")
    away_since, store_tries, _ = job.outage_of("store")
    parts = {name: getattr(job, name) for name in _PARTS}
    parts |= {"unreachable_since": since, "unreachable_tries": tries}
    parts |= {"store_away_since": away_since, "store_tries": store_tries}
    return {name: columns[name] for name in columns if name not in _DOCUMENTS} | parts


def events_of(database: Database, job_id: UUID) -> list[EventData]:
    with database.begin() as session:
        return [event.data for event in events.events_since(session, job_id, 0)]


def attempt_of(database: Database, job_id: UUID) -> JobAttempt:
    with database.begin() as session:
        return queries.attempts(session, "ada", job_id)[-1]
