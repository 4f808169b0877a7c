"""The typed events of a job, and its event log.

To add an event, write one class here and name it in `EventData`. Its `kind` is the discriminator in the
table, in the OpenAPI document and in clients that are generated from it. CONTRIBUTING.md has the other steps.
Events are appended under the job's row lock, so that readers can resume without a gap.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from jobs.notify import EVENTS, notify_on_commit, of_job, of_owner
from jobs.spec.plain_text import PlainText
from jobs.states import Cause, JobState
from jobs.tables import JobEvent
from pruning.recipe import Stage

_Attempt = Annotated[int, Field(ge=1, description="The attempt that the event belongs to.")]


class JobError(BaseModel):
    """Why a job failed, and what to do about it."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="What went wrong, for programs.", examples=["invalid_input", "disk_full"])
    message: PlainText = Field(description="What went wrong and what to do.")
    field: PlainText | None = Field(None, description="The field of the request that caused it, if one did.")
    cause: Cause | None = Field(
        None,
        description="What it is of: the request, something outside (the Hub, the store), or the worker. Null "
        "for a job whose process was lost.",
    )


class EventBase(BaseModel):
    """What all events have in common. Subclasses set `kind`, and require `attempt` where it is never null."""

    # The defaults are always sent, so a client may rely on every field.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    attempt: _Attempt | None = Field(None, description="The attempt that the event belongs to, if any.")

    def progress(self) -> dict[str, Any]:
        """Return what the event changes of the job's `progress`."""
        return {}


class StateChanged(EventBase):
    """The job moved to another state."""

    kind: Literal["state"] = "state"
    state: JobState = Field(description="The new state.")
    attempt: _Attempt | None = Field(None, description="The latest attempt; null before the first.")
    worker: str | None = Field(None, description="The worker that claimed the job.")
    reason: PlainText | None = Field(None, description="Why the job went back to the queue.")
    error: JobError | None = Field(None, description="Why the job failed.")


class StageStarted(EventBase):
    """An attempt began a stage."""

    kind: Literal["stage_started"] = "stage_started"
    attempt: _Attempt
    stage: Stage = Field(description="The stage.")
    steps: int = Field(ge=0, description="Steps of the stage: blocks, or groups of windows.")

    def progress(self) -> dict[str, Any]:
        """Return the stage and its steps, none of them finished."""
        return {"stage": self.stage, "step": 0, "steps": self.steps}


class StepFinished(EventBase):
    """A stage made progress. Such events are rate-limited, and deleted some time after the job has ended."""

    kind: Literal["progress"] = "progress"
    attempt: _Attempt
    stage: Stage = Field(description="The stage.")
    step: int = Field(ge=0, description="Finished steps of the stage.")
    steps: int = Field(ge=0, description="Steps of the stage: blocks, or groups of windows.")
    seconds_left: float | None = Field(None, description="An estimate for the whole job.")
    memory_bytes: int | None = Field(None, description="Memory that the job's process holds now.")

    def progress(self) -> dict[str, Any]:
        """Return the position within the stage, the time left and the memory."""
        return {
            "stage": self.stage,
            "step": self.step,
            "steps": self.steps,
            "seconds_left": self.seconds_left,
            "memory_bytes": self.memory_bytes,
        }


class StageFinished(EventBase):
    """An attempt finished a stage."""

    kind: Literal["stage_finished"] = "stage_finished"
    attempt: _Attempt
    stage: Stage = Field(description="The stage.")
    seconds: float = Field(ge=0, description="Wall-clock time of the stage.")
    peak_memory_bytes: int = Field(
        ge=0,
        description="Resident memory of the process, or allocated memory of the CUDA device that computed "
        "(of several, the one with most).",
    )


class ChangedCondition(BaseModel):
    """One of the conditions that decide the last bits of a computation, and that is not what it was."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(
        description="What has changed, such as `device`, `threads`, `torch`, `micro_batch`, or `numerics`: "
        "the version of PruneServe's numbers.",
        examples=["device"],
    )
    before: PlainText = Field(description="What it was when the blocks were finished.")
    now: PlainText = Field(description="What it is in this attempt.")


class StageRestarted(EventBase):
    """Finished blocks are computed again: together with them, the others would have other last bits."""

    kind: Literal["restart"] = "restart"
    attempt: _Attempt
    stages: list[Stage] = Field(description="The stages that begin again.")
    blocks: int = Field(
        ge=1, description="The finished blocks that are computed again; of gradients, one for each norm."
    )
    changes: list[ChangedCondition] = Field(description="Why: the conditions that have changed.")

    @property
    def reason(self) -> str:
        """Return the reason in words."""
        return ", ".join(f"{change.name} {change.before} before, {change.now} now" for change in self.changes)


class LogMessage(EventBase):
    """A message for display."""

    kind: Literal["log"] = "log"
    message: PlainText = Field(description="The message.")


EventData = Annotated[
    StateChanged | StageStarted | StepFinished | StageFinished | StageRestarted | LogMessage,
    Field(discriminator="kind"),
]


class Event(BaseModel):
    """An event as it was recorded. Readers resume after the id of the last one that they saw."""

    model_config = ConfigDict(frozen=True)

    id: int = Field(description="Counts from 1 within the job, without gaps.")
    at: datetime = Field(description="When it was recorded.")
    data: EventData = Field(description="What happened; `kind` says which event it is.")

    @property
    def kind(self) -> str:
        """The kind of the event."""
        return self.data.kind


_PROGRESS = StepFinished.model_fields["kind"].default


def append_event(session: Session, job_id: UUID, owner: str, event_id: int, event: EventData) -> None:
    """Store an event under the counter value that the caller's UPDATE of the job row returned."""
    row = {"job_id": job_id, "id": event_id, "kind": event.kind, "data": stored_data(event)}
    session.execute(insert(JobEvent).values(row))
    notify_on_commit(session, EVENTS, of_job(job_id), of_owner(owner))


def stored_data(event: EventData) -> dict[str, Any]:
    """Return the data of an event as it is stored, without its kind."""
    return event.model_dump(mode="json", exclude={"kind"}, exclude_none=True)


def events_since(session: Session, job_id: UUID, after: int) -> list[Event]:
    """Return the events of a job with an id greater than `after`, oldest first."""
    rows = session.scalars(
        select(JobEvent)
        .where(JobEvent.job_id == job_id, JobEvent.id > after)
        .order_by(JobEvent.id)
        .limit(500)
    )
    return _events(rows)


def recent_events(session: Session, job_id: UUID, limit: int = 200) -> list[Event]:
    """Return the latest events, oldest first, without the progress within stages."""
    rows = session.scalars(
        select(JobEvent)
        .where(JobEvent.job_id == job_id, JobEvent.kind != _PROGRESS)
        .order_by(JobEvent.id.desc())
        .limit(limit)
    ).all()
    return _events(reversed(rows))


def _events(rows: Iterable[JobEvent]) -> list[Event]:
    return [
        Event.model_validate({"id": row.id, "at": row.at, "data": {**row.data, "kind": row.kind}})
        for row in rows
    ]
