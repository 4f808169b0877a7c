"""What a fault did to the jobs in flight: how many did not succeed, how many have a wrong result."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from uuid import UUID

from jobs.spec.job import JobSpec
from jobs.states import JobState
from pruning.pipeline.run import RunRequest, run
from pruning.resume.hashed_file import sha256_of
from tests.stack import Stack

RESULTS = ("model.safetensors", "masks.safetensors")
"""The files that must be equal, byte for byte, whatever happened during the job."""


@dataclass(frozen=True)
class Tally:
    """A row of the summary table."""

    fault: str
    injected: int
    in_flight: int
    lost: int
    wrong: int

    def __add__(self, other: "Tally") -> "Tally":
        """Add the counts of the same fault."""
        return replace(
            self,
            injected=self.injected + other.injected,
            in_flight=self.in_flight + other.in_flight,
            lost=self.lost + other.lost,
            wrong=self.wrong + other.wrong,
        )


class Undisturbed:
    """The results of undisturbed jobs, computed by the library alone, without the service."""

    def __init__(self, directory: Path) -> None:
        """`directory`: where outputs are written."""
        self._directory = directory
        self._checksums: dict[str, tuple[str, ...]] = {}

    def checksums(self, spec: JobSpec) -> tuple[str, ...]:
        """Return the SHA-256 of each of `RESULTS`. Every recipe is run only once."""
        name = spec.recipe.fingerprint()
        if name not in self._checksums:
            output = self._directory / name
            run(RunRequest(spec.recipe, spec.evaluation, output, device="cpu", save_masks=True))
            self._checksums[name] = tuple(sha256_of(output / result) for result in RESULTS)
        return self._checksums[name]


def tally(fault: str, injected: int, stack: Stack, jobs: Iterable[UUID], undisturbed: Undisturbed) -> Tally:
    """Wait until all jobs have ended, and compare their results with undisturbed ones."""
    ended = [(job_id, stack.wait_for_end(job_id)) for job_id in jobs]
    lost = [job_id for job_id, job in ended if job.state != JobState.SUCCEEDED]
    for job_id, job in ended:
        if job_id in lost:
            print(f"job {job_id} is {job.state}: {job.error}", flush=True)
    wrong = []
    for job_id, job in ended:
        artifacts = stack.artifacts(job_id)
        expected = undisturbed.checksums(JobSpec.model_validate(job.spec))
        if job_id not in lost and tuple(artifacts[name].sha256 for name in RESULTS) != expected:
            wrong.append(job_id)
    return Tally(fault, injected, len(ended), len(lost), len(wrong))


def table(tallies: Sequence[Tally]) -> str:
    """Return a Markdown table with a line per fault."""
    rows: dict[str, Tally] = {}
    for row in tallies:
        rows[row.fault] = rows[row.fault] + row if row.fault in rows else row
    names = [field.name.replace("_", " ") for field in fields(Tally)]
    return in_markdown(names, [astuple(row) for row in rows.values()])


def in_markdown(names: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table with these columns."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return "\n".join(map(line, [names, ["-" * width for width in widths], *cells]))
