"""The registered workers, the queues that they read, and estimates for each queue."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

import pruning.estimate
from api.schemas.base import JsonBody
from jobs.queue.overview import MAX_LISTED_JOBS, WorkerState, WorkerStatus
from jobs.queue.resources import Capacity, Needs, missing_resources


class WorkerJob(BaseModel):
    """The job that a worker runs."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="Identifies the job.")
    owner: str = Field(description="Whose job it is.")
    stage: str | None = Field(description="The stage that is running.")
    since: datetime = Field(description="When the worker took the job.")


class WorkerItem(BaseModel):
    """A worker that is alive, or was within the last hour."""

    name: str = Field(description="Its machine, its process and a random part.")
    queue: str = Field(description="The queue that it reads.")
    queues: list[str] | None = Field(
        None, description="The queues whose jobs it runs; null where it runs every job that fits it."
    )
    capacity: Capacity | None = Field(
        None, description="What it had for a job when it started; null until it has said so."
    )
    state: WorkerState = Field(
        description="`idle`, `busy`, `quarantined` (it takes no jobs), `cordoned` (an operator lets it take "
        "no more jobs; `job` is its last one), or `silent` (no heartbeats)."
    )
    since: datetime | None = Field(description="Since when it is in this state; null where that is unknown.")
    device: str | None = Field(
        description="`cpu`, or the CUDA device with its name; null until it is measured."
    )
    sandbox: dict[str, bool] | None = Field(
        description="By layer of the sandbox for untrusted files whether it holds on the worker's machine; "
        "null until the worker has tried."
    )
    job: WorkerJob | None = Field(description="The job that it runs, if any.")
    started_at: datetime = Field(description="When it was registered.")
    seen_at: datetime = Field(description="Its latest heartbeat.")
    faults: int = Field(description="Faults of the worker since its last succeeded job.")
    quarantined_at: datetime | None = Field(description="Since when it takes no jobs; null if it does.")
    fault: str | None = Field(description="The latest fault, or why its self-test fails.")
    cordoned_at: datetime | None = Field(
        description="Since when an operator lets it take no more jobs; null if it may."
    )
    draining: bool = Field(description="Whether it ends once it runs no job.")

    @classmethod
    def of(cls, seen: WorkerStatus) -> Self:
        """Build the item from what the database knows of a worker."""
        row = seen.worker
        derived: dict[str, Any] = {
            "capacity": None if row.capacity is None else Capacity.model_validate(row.capacity),
            "state": seen.state,
            "since": seen.since,
            "device": seen.device,
            "job": None if seen.job is None else WorkerJob.model_validate(seen.job),
        }
        return cls(
            **{name: getattr(row, name) for name in cls.model_fields.keys() - derived.keys()}, **derived
        )


class Availability(StrEnum):
    """Whether a worker takes jobs."""

    ACTIVE = "active"
    CORDONED = "cordoned"
    DRAINING = "draining"


class WorkerChange(JsonBody):
    """Whether a worker may take jobs."""

    availability: Availability = Field(
        strict=False,
        description="`active`: it takes jobs; `cordoned`: it takes none; `draining`: none, and it ends once "
        "it runs none.",
    )


class WorkerList(BaseModel):
    """The registered workers."""

    items: list[WorkerItem] = Field(description="At most 1,000, quarantined ones first, then by name.")


class QueueItem(BaseModel):
    """A queue that has a worker or an open job, or was paused once."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(
        description="Its name; `none` has the jobs that are not sized, or that fit no connected worker."
    )
    paused_at: datetime | None = Field(
        description="Since when its workers claim no job, and no other takes its jobs; null if it is not "
        "paused."
    )
    paused_by: str | None = Field(description="The owner of the key by which it was paused.")
    queued: int = Field(
        description="Queued jobs of which it is the smallest queue that they fit, among the first "
        f"{MAX_LISTED_JOBS:,} of all."
    )
    running: int = Field(description="Its jobs that workers hold.")
    workers: int = Field(description="Its live workers that take jobs.")


class QueueChange(JsonBody):
    """Whether workers may claim the jobs of a queue."""

    paused: bool = Field(description="Whether no worker claims its jobs.")


class QueueList(BaseModel):
    """The queues."""

    items: list[QueueItem] = Field(description="By name.")


class QueueEstimate(BaseModel):
    """What a job will take on the workers of a queue, or why it does not fit there."""

    queue: str = Field(description="The queue's name.")
    fits: bool = Field(description="Whether its workers have what the job needs.")
    missing: str | None = Field(
        description="What the job needs that they lack, with the numbers; null where it fits."
    )
    seconds: float | None = Field(
        description="Time on the slowest of them; null where the job does not fit, or none was measured."
    )
    memory_bytes: int | None = Field(
        description="Peak memory of the device that computes there; null where the time is."
    )

    @classmethod
    def of(cls, name: str, needs: Needs, capacity: Capacity, there: pruning.estimate.Estimate | None) -> Self:
        """`there`: the estimate for the slowest measured worker of the queue, if any was measured."""
        missing = missing_resources(needs, capacity) or None
        known = there if missing is None else None
        return cls(
            queue=name,
            fits=missing is None,
            missing=missing,
            seconds=None if known is None else known.seconds,
            memory_bytes=None if known is None else known.memory_bytes,
        )


class Estimate(pruning.estimate.Estimate):
    """What the job will take, on the workers of the smallest queue that it fits."""

    needs: Needs | None = Field(None, description="The least that the job needs of a worker.")
    queue: str | None = Field(
        None,
        description="The smallest queue of connected workers that the job fits; null where it fits none.",
    )
    queues: list[QueueEstimate] = Field(
        [], description="Every queue of connected workers, the smallest first."
    )


class ShareChange(JsonBody):
    """Changes to what an owner may take. What is left out stays; null takes the default again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"weight": 2.0, "max_running": 10}]})

    weight: float | None = Field(
        None,
        ge=0.01,
        le=100,
        description="With weight 2 it gets twice as many workers as with 1, the default.",
    )
    max_running: int | None = Field(
        None, ge=0, le=100_000, description="How many of its jobs may run at once. The default is any number."
    )


class ShareItem(BaseModel):
    """An owner's share of the workers, and what it has used."""

    model_config = ConfigDict(from_attributes=True)

    owner: str = Field(description="Whose share it is.")
    weight: float = Field(description="By how much it counts when owners share the workers.")
    max_running: int | None = Field(description="How many of its jobs may run at once; null for any number.")
    running: int = Field(description="How many of its jobs run.")
    queued: int = Field(description="How many of its jobs are queued.")
    gpu_seconds: float = Field(
        description="Seconds of its attempts on workers with GPUs, once for each GPU of the worker: of those "
        "that run, and of those that ended in the days that were asked for (UTC)."
    )
    cpu_seconds: float = Field(
        description="The same on workers without a GPU, once, however many cores they have."
    )


class ShareList(BaseModel):
    """The shares of all owners."""

    items: list[ShareItem] = Field(
        description="At most 1,000, by name: those with a share, a job that is queued or runs, or any use."
    )


Days = Annotated[
    int,
    Query(ge=1, le=366, description="How many days of use to count: today (UTC) and those before."),
]
