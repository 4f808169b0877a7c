"""Compares jobs and their exported files: which are on the Pareto front."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from api.page.base.format import figure, nats, percent, pruning
from jobs.queries import Cut
from jobs.spec.gate import Verdict
from jobs.spec.job import JobSpec
from jobs.states import ENDED, JobState
from jobs.sweeps import pareto
from jobs.tables import Job
from pruning.byte_size import byte_size

MAX_POINTS = 200
"""Of a picture. Of more, those on the front are drawn first."""


class Axis(StrEnum):
    """What the picture shows against the perplexity; of exported files against the KL divergence."""

    SPARSITY = "sparsity"
    SIZE = "size"
    COMPRESSED = "compressed size"
    """Zeros make a file smaller only compressed: by that, masks are compared with smaller models."""
    FILE = "file size"


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
    of: str | None = None
    """The export whose perplexity is compared; None: the pruned model's."""

    @property
    def label(self) -> str:
        """What the picture calls it."""
        return self.letter

    @property
    def pruning(self) -> str:
        """What the job does to its model."""
        return pruning(self.job, self.cut)

    @property
    def value(self) -> float | None:
        """What the picture shows against the perplexity."""
        return _value(self.job, self.axis)

    @property
    def loss(self) -> float | None:
        """The perplexity of the pruned model, or of its export."""
        return _perplexity(self.job, self.of)

    @property
    def dense(self) -> float | None:
        """The perplexity of the dense model, by what measured that."""
        return _perplexity(self.job, self.of, "dense_perplexity")

    @property
    def intervals(self) -> dict[str, Any] | None:
        """Those of what was measured of the pruned model, or of its export."""
        if self.of is None:
            return self.job.intervals
        return next((one.get("intervals") for one in self.job.exports or () if one["name"] == self.of), None)

    def in_domain(self, name: str, dataset: str) -> dict[str, Any] | None:
        """What was measured of the pruned model on the text of a domain; None if that was not."""
        is_measured = self.spec.evaluation.domains.get(name) == dataset
        return (self.job.domains or {}).get(name) if is_measured else None

    @property
    def meets_gate(self) -> bool:
        """Whether the result has met its gate, which a search has set."""
        return Verdict.model_validate(self.job.gate).is_met

    @property
    def has_succeeded(self) -> bool:
        """Whether there is a result."""
        return self.job.state == JobState.SUCCEEDED

    @property
    def has_ended(self) -> bool:
        """Whether the job has ended."""
        return self.job.state in ENDED


@dataclass(frozen=True, slots=True)
class ComparedFile:
    """An exported file of a compared job, with the job's letter."""

    letter: str
    job: Job
    export: dict[str, Any]
    on_front: bool

    @property
    def label(self) -> str:
        """What the picture calls it."""
        return f"{self.letter} {self.export['name'].partition(':')[2]}"

    @property
    def value(self) -> float:
        """What the picture shows against the KL divergence."""
        return float(self.export["bytes"])

    @property
    def loss(self) -> float | None:
        """Its KL divergence from the dense model."""
        return None if self.export["kl"] is None else float(self.export["kl"])


@dataclass(frozen=True, slots=True)
class Comparison:
    """The compared jobs, and their exported files."""

    jobs: tuple[ComparedJob, ...]
    files: tuple[ComparedFile, ...]
    comparable: bool
    axis: Axis

    @property
    def of_files(self) -> "Comparison":
        """The comparison of the exported files."""
        return replace(self, axis=Axis.FILE)

    @property
    def by_size(self) -> bool:
        """Whether a job makes the model smaller, so that sizes are compared, and not zeros."""
        return self.axis is not Axis.SPARSITY

    @property
    def measured(self) -> list[ComparedJob | ComparedFile]:
        """What has a perplexity, and a size where sizes are compared; of files, what has a KL divergence."""
        compared = self.files if self.axis is Axis.FILE else self.jobs
        return [one for one in compared if one.loss is not None and one.value is not None]

    @property
    def domains(self) -> list[tuple[str, str]]:
        """The domains that were measured, each with its dataset: of another text it is another domain."""
        return sorted(
            {text for one in self.jobs if one.job.domains for text in one.spec.evaluation.domains.items()}
        )

    @property
    def drawn(self) -> list[ComparedJob | ComparedFile]:
        """What the picture shows of that."""
        found = self.measured
        best_first = sorted(found, key=lambda one: not one.on_front)
        return found if len(found) <= MAX_POINTS else best_first[:MAX_POINTS]

    @property
    def heading(self) -> str:
        """What the picture shows."""
        return f"{'KL from dense' if self.axis is Axis.FILE else 'Perplexity'} against {self.axis}"

    @property
    def dense(self) -> list[float]:
        """The different perplexities of the dense models."""
        measured = (one.dense for one in self.measured if isinstance(one, ComparedJob))
        return sorted({dense for dense in measured if dense})

    @property
    def caption(self) -> str:
        """The caption of the picture."""
        best = sorted((one for one in self.measured if one.on_front), key=lambda one: one.value or 0)
        if self.axis is Axis.FILE:
            front = ", ".join(
                f"{one.label} with {byte_size(int(one.value or 0))} at {nats(one.loss)}" for one in best
            )
            return (
                f"No other file is both smaller and nearer to the dense model than {front}." if front else ""
            )
        shown = byte_size if self.by_size else percent
        front = ", ".join(f"{one.label} with {shown(one.value or 0)} at {figure(one.loss)}" for one in best)
        more = "is both smaller and has" if self.by_size else "has both more zeros and"
        return f"No other job {more} a lower perplexity than {front}." if front else ""


def compare(
    jobs: Sequence[Job],
    seconds: Mapping[UUID, float],
    cuts: Mapping[UUID, Cut] | None = None,
    *,
    of: str | None = None,
) -> Comparison:
    """Compare jobs, lettered in their order.

    `seconds` is how long workers have had each of them, `cuts` what the models lose that are made smaller,
    `of` the export whose perplexity is compared in place of the pruned model's.
    """
    specs = [JobSpec.model_validate(job.spec) for job in jobs]
    axis = _axis(jobs, specs)
    figures = [_measured(job, axis, of) for job in jobs]
    conditions = [
        # These two change no perplexity that is compared.
        repr((job.model, spec.evaluation.model_copy(update={"speed": "auto", "domains": {}})))
        for job, spec in zip(jobs, specs, strict=True)
    ]
    compared = tuple(
        ComparedJob(
            letter=_letter(number),
            job=job,
            spec=spec,
            on_front=on_front,
            axis=axis,
            seconds=seconds.get(job.id),
            cut=(cuts or {}).get(job.id),
            of=of,
        )
        for number, (job, spec, on_front) in enumerate(
            zip(jobs, specs, _on_front(figures, conditions), strict=True)
        )
    )
    measured = {term for found, term in zip(figures, conditions, strict=True) if found}
    files = _compare_files(jobs, conditions)
    return Comparison(compared, files, comparable=len(measured) <= 1, axis=axis)


def _compare_files(jobs: Sequence[Job], conditions: Sequence[str]) -> tuple[ComparedFile, ...]:
    exports = [(number, export) for number, job in enumerate(jobs) for export in job.exports or ()]
    figures = [None if export["kl"] is None else (export["bytes"], export["kl"]) for _, export in exports]
    on_front = _on_front(figures, [conditions[number] for number, _ in exports])
    return tuple(
        ComparedFile(_letter(number), jobs[number], export, best)
        for (number, export), best in zip(exports, on_front, strict=True)
    )


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


def _on_front(figures: Sequence[tuple[float, float] | None], conditions: Sequence[str]) -> list[bool]:
    """Whether no other of the same model and text is as good in each figure, and better in one."""
    alike = defaultdict[str, list[tuple[float, float]]](list)
    for found, terms in zip(figures, conditions, strict=True):
        if found is not None:
            alike[terms].append(found)
    fronts = {terms: pareto.front(of_terms) for terms, of_terms in alike.items()}
    return [
        found is not None and found in fronts[terms] for found, terms in zip(figures, conditions, strict=True)
    ]


def _perplexity(job: Job, of: str | None, name: str = "perplexity") -> float | None:
    if of is None:
        return job.pruned_perplexity if name == "perplexity" else job.dense_perplexity
    return next((export[name] for export in job.exports or () if export["name"] == of), None)


def _measured(job: Job, axis: Axis, of: str | None) -> tuple[float, float] | None:
    """Return the bytes of the model, or its sparsity with a minus, and the perplexity: less is better.

    None where either is not known.
    """
    value, perplexity = _value(job, axis), _perplexity(job, of)
    if perplexity is None or value is None:
        return None
    return -value if axis is Axis.SPARSITY else value, perplexity


def _value(job: Job, axis: Axis) -> float | None:
    match axis:
        case Axis.SPARSITY:
            return job.sparsity if job.measured_sparsity is None else job.measured_sparsity
        case Axis.SIZE:
            return job.weight_bytes
        case Axis.COMPRESSED:
            return job.stored_weight_bytes
        case Axis.FILE:
            return None
