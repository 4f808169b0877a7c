"""What the pages show of sweeps and searches, prepared for the templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from api.page.base.format import figure, in_words, percent
from api.page.compare.comparison import Compared, Comparison, compare
from api.schemas.sweeps import SweepItem, Vary
from jobs.queries import queries
from jobs.states import SweepState
from jobs.sweeps import sweeps
from jobs.sweeps.bisection import Target
from jobs.tables import Sweep


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the list and a sweep's own page both say."""

    sweep: SweepItem

    @property
    def model(self) -> str:
        """The model that is pruned."""
        return _model(self.sweep)

    @property
    def aim(self) -> str:
        """What it varies, or what it searches for."""
        return aim(self.sweep)


@dataclass(frozen=True, slots=True)
class SweepRow(_Shown):
    """A sweep in the list, with how many of its jobs have ended and how many there are so far."""

    ended: int
    total: int

    @property
    def answer(self) -> float | None:
        """The highest sparsity that met the bound of a search so far."""
        return self.sweep.search.met if self.sweep.search else None


@dataclass(frozen=True, slots=True)
class SweepView(_Shown):
    """A sweep with its jobs."""

    comparison: Comparison

    @property
    def is_running(self) -> bool:
        """Whether more is to come."""
        return self.sweep.state == SweepState.RUNNING

    @property
    def target(self) -> Target | None:
        """What a search searches for."""
        return self.sweep.request.target

    @property
    def bound(self) -> float | None:
        """The perplexity that a search must not exceed; None before the dense model is measured."""
        if self.target is None or self.target.max_perplexity is not None:
            return self.target.max_perplexity if self.target else None
        dense = self.comparison.dense
        return dense[0] * (1 + (self.target.max_perplexity_increase or 0.0)) if dense else None

    @property
    def best(self) -> Compared | None:
        """The sparsest model so far that met the bound of a search."""
        best = self.sweep.search.best_job if self.sweep.search else None
        return next((one for one in self.comparison.jobs if one.job.id == best), None)

    @property
    def interval(self) -> str | None:
        """Between which sparsities the bound of a search lies, as far as is known."""
        search = self.sweep.search
        if search is None or (search.met is None and search.missed is None):
            return None
        if search.met is None:
            return f"below {percent(search.missed or 0.0)}"
        if search.missed is None:
            return f"at or above {percent(search.met)}"
        return f"between {percent(search.met)} and {percent(search.missed)}"

    @property
    def most_jobs_left(self) -> int:
        """How many jobs a search still submits at most, with the one that is unfinished."""
        search = self.sweep.search
        if search is None or self.target is None or not self.is_running:
            return 0
        return search.most_jobs_left(self.target)

    @property
    def ended(self) -> int:
        """How many of its jobs have ended."""
        return sum(one.has_ended for one in self.comparison.jobs)

    @property
    def seconds(self) -> float:
        """How long workers have worked on it."""
        return sum(one.seconds or 0.0 for one in self.comparison.jobs)


def rows(session: Session, listed: Sequence[SweepItem]) -> list[SweepRow]:
    """Return the rows of the list."""
    counts = sweeps.counts(session, [sweep.id for sweep in listed])
    return [SweepRow(sweep, *counts.get(sweep.id, (0, 0))) for sweep in listed]


def read(session: Session, owner: str, sweep_id: UUID) -> SweepView | None:
    """Read what the page shows of a sweep. Returns None if the owner has no such sweep."""
    sweep: Sweep | None = sweeps.get(session, owner, sweep_id)
    if sweep is None:
        return None
    jobs = sweeps.jobs_of(session, sweep)
    seconds = queries.seconds_on_workers(session, [job.id for job in jobs])
    return SweepView(SweepItem.model_validate(sweep), compare(jobs, seconds))


def aim(sweep: SweepItem) -> str:
    """Describe what a sweep varies, or what it searches for."""
    target, vary = sweep.request.target, sweep.request.vary
    if target is not None:
        return f"sparsest with {_bound(target)}"
    return "; ".join(_varied(vary)) if vary else ""


def _bound(target: Target) -> str:
    if target.max_perplexity is not None:
        return f"perplexity at most {figure(target.max_perplexity)}"
    return f"perplexity at most {percent(target.max_perplexity_increase or 0.0)} over dense"


def _varied(vary: Vary) -> list[str]:
    return [
        f"{name} {', '.join(map(in_words, values))}"
        for name in Vary.model_fields
        if (values := getattr(vary, name))
    ]


def _model(sweep: SweepItem) -> str:
    model = sweep.request.job.get("model", "")
    return str(model.get("id", "")) if isinstance(model, dict) else str(model)
