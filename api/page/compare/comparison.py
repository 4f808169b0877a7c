"""Compares jobs: which are on the Pareto front, and where their recipes differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api.page.base.format import change, duration, figure, in_words, percent
from jobs.spec.job import JobSpec, stored_spec
from jobs.tables import Job


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the compared jobs, with its letter."""

    letter: str
    job: Job
    spec: JobSpec
    on_front: bool

    @property
    def sparsity(self) -> float:
        """The measured sparsity, or the requested one before there is a report."""
        return float(self.job.report["sparsity"]["overall"]) if self.job.report else self.job.sparsity

    @property
    def perplexity(self) -> float | None:
        """The perplexity of the pruned model."""
        return self.job.pruned_perplexity

    @property
    def seconds(self) -> float | None:
        """The time of all stages."""
        stages = self.job.report.get("stages") if self.job.report else None
        return sum(stage["seconds"] for stage in stages) if stages else None


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

    def cells(self) -> Iterator[tuple[str, ...]]:
        """Yield the figures of each job, as the table shows them."""
        for job in self.measured:
            grown = change((job.job.dense_perplexity, job.perplexity))
            yield job.letter, percent(job.sparsity), figure(job.perplexity), grown, duration(job.seconds)


def compare(jobs: Sequence[Job]) -> Comparison:
    """Compare jobs, lettered in their order."""
    specs = [stored_spec(job.spec) for job in jobs]
    terms = [(job.model, spec.evaluation) for job, spec in zip(jobs, specs, strict=True)]
    compared = tuple(
        Compared(_letter(number), job, spec, _on_front(number, jobs, terms))
        for number, (job, spec) in enumerate(zip(jobs, specs, strict=True))
    )
    measured = {repr(term) for job, term in zip(jobs, terms, strict=True) if job.report}
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
    if job.report is None or job.pruned_perplexity is None:
        return None
    return float(job.report["sparsity"]["overall"]), job.pruned_perplexity


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
