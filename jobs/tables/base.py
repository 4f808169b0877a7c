"""What all tables share: names of constraints, types of columns, the clock, and fields of JSON documents."""

from datetime import datetime
from typing import Any, Generic, NamedTuple, Self, TypeVar, TypeVarTuple, overload
from uuid import UUID

from sqlalchemy import DateTime, Double, LargeBinary, MetaData, Select, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped
from sqlalchemy.sql.elements import SQLColumnExpression

from jobs.states import JobState

NOW = func.clock_timestamp()
"""The database's clock, for what is written and for guards: after a wait for a lock it is the time then."""

SEARCH_NOW = func.statement_timestamp()
"""When the statement began, for searches by time: no index can be searched for a clock that advances."""

Value = TypeVar("Value")
Columns = TypeVarTuple("Columns")


class Base(DeclarativeBase):
    """The base class of all tables. It names every constraint, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text),
        list[float]: ARRAY(Double),
        bytes: LargeBinary,
    }


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest id of a row that is made in this millisecond: a UUID of version 7 (RFC 9562).

    A bound on the id is read from the index of the list, which one on a time is not.
    """
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80 | 0x7 << 76 | 0b10 << 62)


def page(
    query: Select[*Columns], column: InstrumentedAttribute[UUID], before: UUID | None, limit: int
) -> Select[*Columns]:
    """Return the query for a page of what `query` finds: the newest first, those that follow `before`."""
    query = query.order_by(column.desc()).limit(limit)
    return query if before is None else query.where(column < before)


class DocumentField(Generic[Value]):
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


class Outage(NamedTuple):
    """How long the Hub or the store has been unavailable for a job."""

    since: datetime | None
    tries: int
    tried_seconds: float
    """How long the tries but the first have held a worker: that one had other work before."""


class JobDocuments:
    """The documents of `Job`."""

    progress: Mapped[dict[str, Any] | None]
    """How far it is. Only an ended job keeps its last stage."""
    stage = DocumentField[str]("progress", "stage")
    step = DocumentField[int]("progress", "step")
    steps = DocumentField[int]("progress", "steps")
    seconds_left = DocumentField[float]("progress", "seconds_left")
    memory_bytes = DocumentField[int]("progress", "memory_bytes")

    figures: Mapped[dict[str, Any] | None]
    """What lists show of the report, next to the columns that they are sorted by."""
    dense_perplexity = DocumentField[float]("figures", "dense_perplexity")
    kl = DocumentField[float]("figures", "kl")
    agreement = DocumentField[float]("figures", "agreement")
    intervals = DocumentField[dict[str, Any]]("figures", "intervals")
    """Of perplexity, KL and agreement: a `pruning.report.Intervals`."""
    parameters = DocumentField[int]("figures", "parameters")
    weight_bytes = DocumentField[int]("figures", "weight_bytes")
    stored_weight_bytes = DocumentField[int]("figures", "stored_weight_bytes")
    """What its weight files take in the store, where files may be kept compressed."""
    speedup = DocumentField[float]("figures", "speedup")
    domains = DocumentField[dict[str, dict[str, Any]]]("figures", "domains")
    """What was measured in each domain, by its name: `jobs.spec.verdict` has the names of the figures."""
    exports = DocumentField[list[dict[str, Any]]]("figures", "exports")
    """Each exported file: `jobs.spec.verdict` has the names of its figures."""

    gate: Mapped[dict[str, Any] | None]
    """The verdict of the quality gate, if the job has one: a `jobs.spec.gate.Verdict`."""
    gate_state = DocumentField[str]("gate", "state")

    outage: Mapped[dict[str, Any] | None]
    """What was unavailable since the last finished block: its tries outlive attempts."""
    awaited = DocumentField[str]("outage", "awaited")
    """What the job has waited for last: the `hub` or the `store`."""
    waiting_for = DocumentField[str]("outage", "waiting_for")
    """The same in words."""

    state: Mapped[JobState]
    ended_at: Mapped[datetime | None]

    def outage_of(self, what: str) -> Outage:
        """Return the present outage of the `hub` or the `store`; one without tries if it is available."""
        stored = (self.outage or {}).get(what)
        if stored is None:
            return Outage(None, 0, 0.0)
        since, tried_seconds = datetime.fromisoformat(stored["since"]), float(stored.get("tried_seconds", 0))
        return Outage(since, int(stored["tries"]), tried_seconds)

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
