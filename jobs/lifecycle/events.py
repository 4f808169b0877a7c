"""The typed events of a job.

To add an event, write one class here and name it in `EventData`. Its `kind` is the discriminator in the
table, in the OpenAPI document and in clients that are generated from it. `jobs.lifecycle.event_log` stores
events and reads them back, and CONTRIBUTING.md has the other steps.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.spec.plain_text import PlainText
from jobs.states import Cause, JobState
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

    kind: Literal["stage"] = "stage"
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
        """Return the position within the stage and the time left."""
        return {
            "stage": self.stage,
            "step": self.step,
            "steps": self.steps,
            "seconds_left": self.seconds_left,
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
