"""What the server's answers hold, as far as the commands read them; everything else in them is ignored.

An older command therefore works with a newer server. What the strings say is the server's choice:
`cli.terminal.clean` comes between them and a terminal.
"""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel


class Progress(BaseModel):
    """Where a running job is."""

    stage: str
    step: int | None
    steps: int | None
    seconds_left: float | None


class Perplexity(BaseModel):
    """Before and after; None where it is not finite."""

    dense: float | None
    pruned: float | None


class JobError(BaseModel):
    """Why a job failed, and what to do about it."""

    message: str
    field: str | None = None


class StageCost(BaseModel):
    """What one stage took."""

    name: str
    seconds: float
    peak_memory_bytes: int


class Sparsity(BaseModel):
    """How many of the weights are zeros."""

    overall: float


class Report(BaseModel):
    """The measured facts that the commands show."""

    stages: list[StageCost]
    sparsity: Sparsity
    warnings: list[str] = []


class Job(BaseModel):
    """A job, from a list or by itself; only the latter has a report."""

    id: UUID
    state: str
    model: str
    method: str
    pattern: str
    sparsity: float
    attempt: int
    progress: Progress | None
    perplexity: Perplexity | None
    error: JobError | None
    created_at: datetime
    report: Report | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to the job by itself."""
        return self.state in ("succeeded", "failed", "cancelled")


class JobPage(BaseModel):
    """A page of a list of jobs."""

    items: list[Job]
    next_cursor: str | None


class EventData(BaseModel):
    """What happened. Which fields there are depends on the kind of the event."""

    state: str = ""
    attempt: int = 1
    reason: str = ""
    stage: str = ""
    step: int | None = None
    steps: int | None = None
    seconds_left: float | None = None
    seconds: float | None = None
    peak_memory_bytes: int | None = None
    message: str = ""


class Event(BaseModel):
    """One thing that happened to a job. Ids count from 1, without gaps."""

    id: int
    kind: str
    at: datetime
    data: EventData


class EventList(BaseModel):
    """Events, oldest first."""

    items: list[Event]


class Artifact(BaseModel):
    """A file of a succeeded job."""

    id: UUID
    name: str
    size: int
    sha256: str
    url: str


class ArtifactList(BaseModel):
    """The files of a job."""

    items: list[Artifact]


class FieldError(BaseModel):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    detail: str
    errors: list[FieldError] = []
