"""Compares jobs: which are on the Pareto front, and where their recipes differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.page.base.format import figure, in_words, percent, size
from jobs.spec.job import JobSpec, stored_spec
from jobs.states import ENDED, JobState
from jobs.tables import Job


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the compared jobs, with its letter."""

    letter: str
    job: Job
    spec: JobSpec
    on_front: bool
    by_size: bool
    seconds: float | None
    """How long workers have had it, in all attempts."""

    @property
    def masks(self) -> bool:
        """Whether weights are masked: a cut alone has no pattern and no sparsity."""
        return self.spec.recipe.method is not None

    @property
    def sparsity(self) -> float:
        """The measured sparsity, or the requested one before the job has succeeded."""
        return _sparsity(self.job)

    @property
    def gain(self) -> float | None:
        """What the picture shows against the perplexity: of smaller models the bytes, else the sparsity."""
        return self.job.weight_bytes if self.by_size else self.sparsity

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
        """Whether the job has ended, in whatever way."""
        return self.job.state in ENDED


@dataclass(frozen=True, slots=True)
class Row:
    """A field of the recipes, with its value in each job."""

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the value differs between jobs."""
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """The compared jobs and their differences."""

    jobs: tuple[Compared, ...]
    rows: tuple[Row, ...]
    comparable: bool
    by_size: bool
    """Whether a job makes the model smaller, so that the sizes of all are compared, and not their zeros."""

    @property
    def measured(self) -> list[Compared]:
        """The jobs that have a perplexity, and a size where sizes are compared."""
        return [job for job in self.jobs if job.perplexity is not None and job.gain is not None]

    @property
    def heading(self) -> str:
        """What the picture shows."""
        return f"Perplexity against {'size' if self.by_size else 'sparsity'}"

    @property
    def dense(self) -> list[float]:
        """The different perplexities of the dense models."""
        return sorted({job.job.dense_perplexity for job in self.measured if job.job.dense_perplexity})

    @property
    def finding(self) -> str:
        """What the picture shows, as a sentence."""
        best = sorted((job for job in self.measured if job.on_front), key=lambda job: job.gain or 0)
        shown = size if self.by_size else percent
        front = ", ".join(
            f"{job.letter} with {shown(job.gain or 0)} at {figure(job.perplexity)}" for job in best
        )
        more = "is both smaller and has" if self.by_size else "has both more zeros and"
        return f"No other job {more} a lower perplexity than {front}." if front else ""

    def table(self) -> Iterator[dict[str, Any]]:
        """Yield the figures and the recipe of each job, under names that are the same for all of them."""
        for number, one in enumerate(self.jobs):
            yield {
                "id": str(one.job.id),
                "state": one.job.state,
                "gate": one.job.gate_state,
                "measured_sparsity": one.job.measured_sparsity,
                "dense_perplexity": one.job.dense_perplexity,
                "pruned_perplexity": one.perplexity,
                "parameters": one.job.parameters,
                "weight_bytes": one.job.weight_bytes,
                "speedup": one.job.speedup,
                "kl": one.job.kl,
                "agreement": one.job.agreement,
                "seconds": one.seconds,
                **{f"recipe.{row.name}": row.values[number] for row in self.rows},
            }


def compare(jobs: Sequence[Job], seconds: Mapping[UUID, float]) -> Comparison:
    """Compare jobs, lettered in their order. `seconds` is how long workers have had each of them."""
    specs = [stored_spec(job.spec) for job in jobs]
    by_size = any(spec.recipe.structure is not None for spec in specs)
    figures = [_measured(job, by_size=by_size) for job in jobs]
    terms = [
        (job.model, spec.evaluation.model_copy(update={"speed": "auto"}))  # which changes no perplexity
        for job, spec in zip(jobs, specs, strict=True)
    ]
    compared = tuple(
        Compared(_letter(number), job, spec, _on_front(number, figures, terms), by_size, seconds.get(job.id))
        for number, (job, spec) in enumerate(zip(jobs, specs, strict=True))
    )
    measured = {repr(term) for found, term in zip(figures, terms, strict=True) if found}
    return Comparison(compared, tuple(_rows(specs)), comparable=len(measured) <= 1, by_size=by_size)


def _letter(number: int) -> str:
    """Return A to Z, then AA, AB and so on, as a spreadsheet names its columns."""
    rest, last = divmod(number, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("A") + last)


def _on_front(number: int, figures: Sequence[tuple[float, float] | None], terms: Sequence[object]) -> bool:
    """Whether no other job of the same model and text has as good figures, and one that is better."""
    one = figures[number]
    if one is None:
        return False
    others = (
        found for other, found in enumerate(figures) if other != number and terms[other] == terms[number]
    )
    return not any(
        other != one and other[0] <= one[0] and other[1] <= one[1] for other in others if other is not None
    )


def _measured(job: Job, *, by_size: bool) -> tuple[float, float] | None:
    """Return the bytes of the model, or its sparsity with a minus, and the perplexity: less is better.

    None where either is not known.
    """
    left = job.weight_bytes if by_size else -_sparsity(job)
    return None if job.pruned_perplexity is None or left is None else (left, job.pruned_perplexity)


def _sparsity(job: Job) -> float:
    return job.sparsity if job.measured_sparsity is None else job.measured_sparsity


def _rows(specs: Sequence[JobSpec]) -> Iterator[Row]:
    flat = [dict(_leaves(spec.as_request())) for spec in specs]
    for name in dict.fromkeys(name for fields in flat for name in fields):
        values = tuple(in_words(fields[name]) if fields.get(name) is not None else "" for fields in flat)
        if any(values):
            yield Row(name.removesuffix(".name").removesuffix(".id"), values)


def _leaves(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _leaves(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", inner
