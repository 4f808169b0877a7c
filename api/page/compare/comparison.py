"""Compares jobs: which are on the Pareto front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from api.page.base.format import figure, percent, pruning
from jobs.queries import Cut
from jobs.spec.job import JobSpec
from jobs.states import ENDED, JobState
from jobs.tables import Job
from pruning.byte_size import byte_size


class Axis(StrEnum):
    """What the picture shows against the perplexity."""

    SPARSITY = "sparsity"
    SIZE = "size"
    COMPRESSED = "compressed size"
    """Zeros make a file smaller only compressed: by that, masks are compared with smaller models."""


@dataclass(frozen=True, slots=True)
class ComparedJob:
    """One of the compared jobs, with its letter."""

    letter: str
    job: Job
    spec: JobSpec
    on_front: bool
    axis: Axis
    seconds: float | None
    """How long workers have had it, in all attempts."""
    cut: Cut | None = None

    @property
    def pruning(self) -> str:
        """What the job does to its model."""
        return pruning(self.job, self.cut)

    @property
    def value(self) -> float | None:
        """What the picture shows against the perplexity."""
        return _value(self.job, self.axis)

    @property
    def perplexity(self) -> float | None:
        """The perplexity of the pruned model."""
        return self.job.pruned_perplexity

    @property
    def has_succeeded(self) -> bool:
        """Whether there is a result."""
        return self.job.state == JobState.SUCCEEDED

    @property
    def has_ended(self) -> bool:
        """Whether the job has ended."""
        return self.job.state in ENDED


@dataclass(frozen=True, slots=True)
class Comparison:
    """The compared jobs."""

    jobs: tuple[ComparedJob, ...]
    comparable: bool
    axis: Axis

    @property
    def by_size(self) -> bool:
        """Whether a job makes the model smaller, so that sizes are compared, and not zeros."""
        return self.axis is not Axis.SPARSITY

    @property
    def measured(self) -> list[ComparedJob]:
        """The jobs that have a perplexity, and a size where sizes are compared."""
        return [job for job in self.jobs if job.perplexity is not None and job.value is not None]

    @property
    def heading(self) -> str:
        """What the picture shows."""
        return f"Perplexity against {self.axis}"

    @property
    def dense(self) -> list[float]:
        """The different perplexities of the dense models."""
        return sorted({job.job.dense_perplexity for job in self.measured if job.job.dense_perplexity})

    @property
    def caption(self) -> str:
        """The caption of the picture."""
        best = sorted((job for job in self.measured if job.on_front), key=lambda job: job.value or 0)
        shown = byte_size if self.by_size else percent
        front = ", ".join(
            f"{job.letter} with {shown(job.value or 0)} at {figure(job.perplexity)}" for job in best
        )
        more = "is both smaller and has" if self.by_size else "has both more zeros and"
        return f"No other job {more} a lower perplexity than {front}." if front else ""


def compare(
    jobs: Sequence[Job], seconds: Mapping[UUID, float], cuts: Mapping[UUID, Cut] | None = None
) -> Comparison:
    """Compare jobs, lettered in their order.

    `seconds` is how long workers have had each of them, `cuts` what the models lose that are made smaller.
    """
    specs = [JobSpec.model_validate(job.spec) for job in jobs]
    axis = _axis(jobs, specs)
    figures = [_measured(job, axis) for job in jobs]
    conditions = [
        (job.model, spec.evaluation.model_copy(update={"speed": "auto"}))  # which changes no perplexity
        for job, spec in zip(jobs, specs, strict=True)
    ]
    compared = tuple(
        ComparedJob(
            letter=_letter(number),
            job=job,
            spec=spec,
            on_front=_on_front(number, figures, conditions),
            axis=axis,
            seconds=seconds.get(job.id),
            cut=(cuts or {}).get(job.id),
        )
        for number, (job, spec) in enumerate(zip(jobs, specs, strict=True))
    )
    measured = {repr(term) for found, term in zip(figures, conditions, strict=True) if found}
    return Comparison(compared, comparable=len(measured) <= 1, axis=axis)


def _axis(jobs: Sequence[Job], specs: Sequence[JobSpec]) -> Axis:
    smaller = [spec.recipe.structure is not None for spec in specs]
    if not any(smaller):
        return Axis.SPARSITY
    # A job whose model was not kept has no compressed size.
    known = all(job.stored_weight_bytes is not None for job in jobs if job.pruned_perplexity is not None)
    return Axis.COMPRESSED if known and not all(smaller) else Axis.SIZE


def _letter(number: int) -> str:
    """Return A to Z, then AA, AB and so on, as a spreadsheet names its columns."""
    rest, last = divmod(number, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("A") + last)


def _on_front(
    number: int, figures: Sequence[tuple[float, float] | None], conditions: Sequence[object]
) -> bool:
    """Whether no other job of the same model and text has as good figures, and one that is better."""
    one = figures[number]
    if one is None:
        return False
    others = (
        found
        for other, found in enumerate(figures)
        if other != number and conditions[other] == conditions[number]
    )
    return not any(
        other != one and other[0] <= one[0] and other[1] <= one[1] for other in others if other is not None
    )


def _measured(job: Job, axis: Axis) -> tuple[float, float] | None:
    """Return the bytes of the model, or its sparsity with a minus, and the perplexity: less is better.

    None where either is not known.
    """
    value = _value(job, axis)
    if job.pruned_perplexity is None or value is None:
        return None
    return -value if axis is Axis.SPARSITY else value, job.pruned_perplexity


def _value(job: Job, axis: Axis) -> float | None:
    match axis:
        case Axis.SPARSITY:
            return job.sparsity if job.measured_sparsity is None else job.measured_sparsity
        case Axis.SIZE:
            return job.weight_bytes
        case Axis.COMPRESSED:
            return job.stored_weight_bytes
