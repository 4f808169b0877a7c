"""Compares jobs: which are on the Pareto front, and where their recipes differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.page.base.format import figure, in_words, percent
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

    @property
    def measured(self) -> list[Compared]:
        """The jobs that have a perplexity."""
        return [job for job in self.jobs if job.perplexity is not None]

    @property
    def dense(self) -> list[float]:
        """The different perplexities of the dense models."""
        return sorted({job.job.dense_perplexity for job in self.measured if job.job.dense_perplexity})

    @property
    def finding(self) -> str:
        """What the picture shows, as a sentence."""
        best = sorted((job for job in self.measured if job.on_front), key=lambda job: job.sparsity)
        front = ", ".join(
            f"{job.letter} with {percent(job.sparsity)} at {figure(job.perplexity)}" for job in best
        )
        return f"No other job has both more zeros and a lower perplexity than {front}." if front else ""

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
                "kl": one.job.kl,
                "agreement": one.job.agreement,
                "seconds": one.seconds,
                **{f"recipe.{row.name}": row.values[number] for row in self.rows},
            }


def compare(jobs: Sequence[Job], seconds: Mapping[UUID, float]) -> Comparison:
    """Compare jobs, lettered in their order. `seconds` is how long workers have had each of them."""
    specs = [stored_spec(job.spec) for job in jobs]
    terms = [(job.model, spec.evaluation) for job, spec in zip(jobs, specs, strict=True)]
    compared = tuple(
        Compared(_letter(number), job, spec, _on_front(number, jobs, terms), seconds.get(job.id))
        for number, (job, spec) in enumerate(zip(jobs, specs, strict=True))
    )
    measured = {repr(term) for job, term in zip(jobs, terms, strict=True) if _measured(job)}
    return Comparison(compared, tuple(_rows(specs)), comparable=len(measured) <= 1)


def _letter(number: int) -> str:
    """Return A to Z, then AA, AB and so on, as a spreadsheet names its columns."""
    rest, last = divmod(number, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("A") + last)


def _on_front(number: int, jobs: Sequence[Job], terms: Sequence[object]) -> bool:
    """Whether no other job of the same model and text has as many zeros and as low a perplexity."""
    one = _measured(jobs[number])
    if one is None:
        return False
    others = (
        _measured(job) for other, job in enumerate(jobs) if other != number and terms[other] == terms[number]
    )
    return not any(
        other != one and other[0] >= one[0] and other[1] <= one[1] for other in others if other is not None
    )


def _measured(job: Job) -> tuple[float, float] | None:
    return None if job.pruned_perplexity is None else (_sparsity(job), job.pruned_perplexity)


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
