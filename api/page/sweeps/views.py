"""What the pages show of sweeps and searches, prepared for the templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from api.page.base.format import describe_value, figure, percent, pruning
from api.page.compare.comparison import ComparedFile, ComparedJob, Comparison, compare
from api.schemas.sweeps import SweepItem, Vary
from jobs import queries
from jobs.queries import Cut
from jobs.states import SweepState
from jobs.sweeps import sweeps
from jobs.sweeps.target import Target
from jobs.tables import Job, Sweep
from pruning.byte_size import byte_size


@dataclass(frozen=True, slots=True)
class _SweepBase:
    """What the list and the page of a sweep have in common."""

    sweep: SweepItem

    @property
    def model(self) -> str:
        """The model that is pruned."""
        model = self.sweep.request.job.get("model", "")
        return str(model.get("id", "")) if isinstance(model, dict) else str(model)

    @property
    def title(self) -> str:
        """The headline: the name of its jobs, or their model's."""
        return str(self.sweep.request.job.get("name") or self.model.rpartition("/")[2])

    @property
    def aim(self) -> str:
        """What it varies, or what it searches for."""
        target, vary = self.sweep.request.target, self.sweep.request.vary
        if target is None:
            return "; ".join(_varied(vary)) if vary else ""
        if target.max_bytes is not None:
            return f"best {target.format} file with at most {byte_size(target.max_bytes)}"
        return f"{'sparsest' if target.over == 'sparsity' else 'smallest'} with {_bound(target)}"


@dataclass(frozen=True, slots=True)
class SweepRow(_SweepBase):
    """A sweep in the list, with how many of its jobs have ended and how many there are so far."""

    ended: int
    total: int
    best: Job | None
    """The best job of a search so far."""
    cut: Cut | None

    @property
    def answer(self) -> str | None:
        """What a search has found so far."""
        return pruning(self.best, self.cut) if self.best else None


@dataclass(frozen=True, slots=True)
class SweepView(_SweepBase):
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
        """The perplexity that a search must not exceed; None before the dense model is measured.

        None as well for a search for a file.
        """
        if self.target is None or self.target.max_perplexity_increase is None:
            return self.target.max_perplexity if self.target else None
        dense = self.comparison.dense
        return dense[0] * (1 + self.target.max_perplexity_increase) if dense else None

    @property
    def best(self) -> ComparedJob | None:
        """The best model of a search so far."""
        best = self.sweep.search.best_job if self.sweep.search else None
        return next((one for one in self.comparison.jobs if one.job.id == best), None)

    @property
    def best_file(self) -> ComparedFile | None:
        """What a search for a file has found."""
        name = self.sweep.search.best_file if self.sweep.search else None
        job = self.best.job if self.best else None
        return next(
            (one for one in self.comparison.files if (one.job, one.export["name"]) == (job, name)), None
        )

    @property
    def limit(self) -> str | None:
        """The bound, in a word; None where it is not known yet."""
        if self.target is not None and self.target.max_bytes is not None:
            return f"at most {byte_size(self.target.max_bytes)}"
        return None if self.bound is None else figure(self.bound)

    @property
    def tried(self) -> str:
        """What a search tries."""
        if self.target is not None and self.target.max_bytes is not None:
            return f"{len(self.comparison.jobs)} models"
        if self.target is not None and self.target.over == "structure":
            return f"{self.interval} of the blocks' parameters taken out" if self.interval else "perplexity"
        return f"{self.interval} zeros" if self.interval else "perplexity"

    @property
    def interval(self) -> str | None:
        """The interval of sparsities that is known to contain the bound of a search."""
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
    best = sweeps.answers(session, [sweep.search for sweep in listed if sweep.search])
    cut = queries.cuts_of_jobs(session, [job.id for job in best.values()])
    return [
        SweepRow(sweep, *counts.get(sweep.id, (0, 0)), job, cut.get(job.id) if job else None)
        for sweep in listed
        for job in (best.get(sweep.id),)
    ]


def read(database: sessionmaker[Session], owner: str, sweep_id: UUID) -> SweepView | None:
    """Read what the page shows of a sweep. Returns None if the owner has no such sweep."""
    with database.begin() as session:
        sweep: Sweep | None = sweeps.get(session, owner, sweep_id)
        if sweep is None:
            return None
        jobs = sweeps.jobs_of(session, sweep)
        ids = [job.id for job in jobs]
        seconds, cuts = queries.seconds_on_workers(session, ids), queries.cuts_of_jobs(session, ids)
    # The connection is free by now: other requests wait for one.
    item = SweepItem.model_validate(sweep)
    target = item.request.target
    return SweepView(item, compare(jobs, seconds, cuts, of=target.export if target else None))


def _bound(target: Target) -> str:
    of = f" of {target.export}" if target.export else ""
    if target.max_perplexity is not None:
        return f"perplexity{of} at most {figure(target.max_perplexity)}"
    return f"perplexity{of} at most {percent(target.max_perplexity_increase or 0.0)} over dense"


def _varied(vary: Vary) -> list[str]:
    return [
        f"{name} {', '.join(map(describe_value, values))}"
        for name in Vary.model_fields
        if (values := getattr(vary, name))
    ]
