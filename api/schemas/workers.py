"""The registered workers."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class WorkerItem(BaseModel):
    """A worker that is alive, or was within the last hour."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(description="Its machine, its process and a random part.")
    queue: str = Field(description="The queue that it reads.")
    started_at: datetime = Field(description="When it was registered.")
    seen_at: datetime = Field(description="Its latest heartbeat.")
    faults: int = Field(description="Faults of the worker since its last succeeded job.")
    quarantined_at: datetime | None = Field(description="Since when it takes no jobs; null if it does.")
    fault: str | None = Field(description="The latest fault, or why its self-test fails.")


class WorkerList(BaseModel):
    """The registered workers."""

    items: list[WorkerItem] = Field(description="At most 1,000, quarantined ones first, then by name.")
