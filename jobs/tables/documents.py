"""What a job's row keeps in JSON documents, each written as a whole, and its parts by name."""

from datetime import datetime
from typing import Any, Generic, Self, TypeVar, overload

from sqlalchemy.orm import Mapped
from sqlalchemy.sql.elements import SQLColumnExpression

from jobs.states import JobState

Value = TypeVar("Value")


class Part(Generic[Value]):
    """A part of a document, None where that has none; of the class, the expression for it in a statement."""

    def __init__(self, document: str, name: str) -> None:
        self._document, self._name = document, name
        self._attribute = name

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = name

    @overload
    def __get__(self, job: None, owner: type) -> SQLColumnExpression[str]: ...

    @overload
    def __get__(self, job: "JobDocuments", owner: type) -> Value | None: ...

    def __get__(
        self, job: "JobDocuments | None", owner: type
    ) -> Value | SQLColumnExpression[str] | Self | None:
        if job is not None:
            found: Value | None = (getattr(job, self._document) or {}).get(self._name)
            return found
        if not hasattr(owner, "__table__"):
            return self
        part: SQLColumnExpression[str] = getattr(owner, self._document)[self._name].astext
        return part.label(self._attribute)


class JobDocuments:
    """The documents of `Job`."""

    progress: Mapped[dict[str, Any] | None]
    """How far it is. Only an ended job keeps its last stage."""
    stage = Part[str]("progress", "stage")
    step = Part[int]("progress", "step")
    steps = Part[int]("progress", "steps")
    seconds_left = Part[float]("progress", "seconds_left")

    figures: Mapped[dict[str, Any] | None]
    """What lists show of the report, next to the columns that they are sorted by."""
    dense_perplexity = Part[float]("figures", "dense_perplexity")
    kl = Part[float]("figures", "kl")
    agreement = Part[float]("figures", "agreement")
    parameters = Part[int]("figures", "parameters")
    weight_bytes = Part[int]("figures", "weight_bytes")
    stored_weight_bytes = Part[int]("figures", "stored_weight_bytes")
    """What its weight files take in the store, where files may be kept compressed."""
    speedup = Part[float]("figures", "speedup")

    gate: Mapped[dict[str, Any] | None]
    """The verdict of the quality gate, if the job has one: a `jobs.spec.gate.Verdict`."""
    gate_state = Part[str]("gate", "state")

    outage: Mapped[dict[str, Any] | None]
    """What does not answer. For the Hub a job waits in the queue, and its tries outlive attempts; for the
    store it waits while it runs."""
    waiting_for = Part[str]("outage", "waiting_for")
    """In words; None while the job does not wait for it."""

    state: Mapped[JobState]
    ended_at: Mapped[datetime | None]

    def silence_of(self, what: str) -> tuple[datetime | None, int]:
        """Return since when the `hub` or the `store` has not answered, and how often it was tried since."""
        found = (self.outage or {}).get(what)
        return (None, 0) if found is None else (datetime.fromisoformat(found["since"]), int(found["tries"]))

    @property
    def succeeded_at(self) -> datetime | None:
        """When it succeeded."""
        return self.ended_at if self.state == JobState.SUCCEEDED else None

    @property
    def failed_at(self) -> datetime | None:
        """When it failed."""
        return self.ended_at if self.state == JobState.FAILED else None

    @property
    def cancelled_at(self) -> datetime | None:
        """When it was cancelled."""
        return self.ended_at if self.state == JobState.CANCELLED else None
