"""What the server's answers hold, as far as the commands read them; everything else is kept as it came.

An older command therefore works with a newer server. What the strings say is the server's choice:
`cli.render.escape` comes between them and a terminal, a page or a log.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(extra="allow")

    def as_sent(self) -> dict[str, Any]:
        """Everything that the server said, as plain values of JSON."""
        return self.model_dump(mode="json", exclude_unset=True)


class Progress(Answer):
    """Where a running job is."""

    stage: str
    step: int | None
    steps: int | None
    seconds_left: float | None


class Perplexity(Answer):
    """Before and after; None where it is not finite."""

    dense: float | None
    pruned: float | None


class Condition(Answer):
    """One condition of a gate against what was measured; None where that is not finite."""

    name: str
    limit: float
    measured: float | None
    passed: bool
    margin: float | None


class Verdict(Answer):
    """How a job met its gate: `passed` or `failed`, and by how much."""

    state: str
    conditions: list[Condition] = []


class JobError(Answer):
    """Why a job failed, and what to do about it."""

    message: str
    field: str | None = None


class StageCost(Answer):
    """What one stage took."""

    name: str
    seconds: float
    peak_memory_bytes: int


class Sparsity(Answer):
    """How many of the weights are zeros."""

    overall: float


class Report(Answer):
    """The measured facts that the commands show."""

    stages: list[StageCost]
    sparsity: Sparsity
    warnings: list[str] = []


class Job(Answer):
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
    gate: Verdict | None = None
    error: JobError | None
    labels: dict[str, str] = {}
    created_at: datetime
    report: Report | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to the job by itself."""
        return self.state in ("succeeded", "failed", "cancelled")


class JobPage(Answer):
    """A page of a list of jobs."""

    items: list[Job]
    next_cursor: str | None


class Search(Answer):
    """What a search knows so far."""

    met: float | None
    missed: float | None
    best_job: UUID | None


class Sweep(Answer):
    """Jobs that were asked for together, or one after the other by a search."""

    id: UUID
    state: str
    error: str | None
    search: Search | None
    jobs: list[Job]


class EventData(Answer):
    """What happened. Which fields there are depends on the kind of the event."""

    kind: str
    state: str = ""
    attempt: int | None = None
    reason: str | None = None
    stage: str = ""
    step: int | None = None
    steps: int | None = None
    seconds_left: float | None = None
    seconds: float | None = None
    peak_memory_bytes: int | None = None
    message: str = ""


class Event(Answer):
    """One thing that happened to a job. Ids count from 1, without gaps."""

    id: int
    at: datetime
    data: EventData

    @property
    def kind(self) -> str:
        """The kind of the event."""
        return self.data.kind


class EventList(Answer):
    """Events, oldest first."""

    items: list[Event]


class Artifact(Answer):
    """A file of a succeeded job."""

    id: UUID
    name: str
    size: int
    sha256: str
    url: str


class ArtifactList(Answer):
    """The files of a job."""

    items: list[Artifact]


class ZooEntry(Answer):
    """A pruned model on show."""

    slug: str
    files: list[Artifact]


class FieldError(Answer):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(Answer):
    """An RFC 9457 problem document."""

    detail: str
    errors: list[FieldError] = []


class Key(Answer):
    """An API key, without its secret."""

    id: UUID
    prefix: str
    owner: str
    name: str
    scopes: list[str]
    expires_at: datetime | None
    last_used_at: datetime | None


class NewKey(Key):
    """A key that was just made."""

    key: str


class KeyPage(Answer):
    """A page of a list of keys."""

    items: list[Key]
    next_cursor: str | None


class EstimatedModel(Answer):
    """The model, as its config describes it."""

    architecture: str
    parameters: int
    blocks: int


class EstimatedMachine(Answer):
    """What the estimate is for."""

    device: str
    measured: bool


class EstimatedStage(Answer):
    """What one stage would take."""

    name: str
    operations: float
    seconds: float
    memory_bytes: int


class Estimate(Answer):
    """What a job would take."""

    model: EstimatedModel
    machine: EstimatedMachine
    dtype: str
    schedule: str | None
    stages: list[EstimatedStage]
    seconds: float
    memory_bytes: int
    output_bytes: int
    notes: list[str]
