"""Bisection for the sparsest model within a bound on its perplexity: pure functions, one step at a time.

Perplexity grows with sparsity, so measuring the middle between a sparsity that meets the bound and one that
misses it halves the interval. If perplexity is not quite monotonic, the answer is still a sparsity that was
measured and met the bound. The same holds for the share of the parameters that structure takes out.
"""

from uuid import UUID

from pydantic import BaseModel, Field

from jobs.sweeps.files import FoundFile
from jobs.sweeps.target import Target

_DIGITS = 4


class Search(BaseModel):
    """The state of a search."""

    met: float | None = Field(
        None, description="The highest sparsity, or share of the parameters taken out, that met the bound."
    )
    missed: float | None = Field(None, description="The lowest that missed it.")
    best_job: UUID | None = Field(
        None,
        description="The answer so far: the job that met the bound there, or that has the best file.",
    )
    best_file: str | None = Field(
        None, description="Of a search for a file: the name of the best export of `best_job`."
    )
    files: list[FoundFile] = Field(
        [],
        description="Of such a search, once it has ended: the files within the bound, the best first, then "
        "the others.",
    )

    def after(self, sparsity: float, job_id: UUID, *, met: bool) -> "Search":
        """Return the state after a job's result."""
        if met:
            return self.model_copy(update={"met": sparsity, "best_job": job_id})
        return self.model_copy(update={"missed": sparsity})

    def most_jobs_left(self, target: Target) -> int:
        """Return how many more jobs the search submits at most. One for a file submits all at the start."""
        if target.max_bytes is not None:
            return 0
        return _most_left(self.met, self.missed, target)

    def next_sparsity(self, target: Target) -> float | None:
        """Return the sparsity to measure next, or None when the search is over."""
        return _next(self.met, self.missed, target)


def _most_left(met: float | None, missed: float | None, target: Target) -> int:
    # On plain numbers: the two outcomes of each job make thousands of states, and requests wait for this.
    sparsity = _next(met, missed, target)
    if sparsity is None:
        return 0
    return 1 + max(_most_left(sparsity, missed, target), _most_left(met, sparsity, target))


def _next(met: float | None, missed: float | None, target: Target) -> float | None:
    low = target.lowest if met is None else met
    high = target.highest if missed is None else missed
    if high - low > target.tolerance:
        return round((low + high) / 2, _DIGITS)
    # The ends of the range are measured only when all sparsities between them had the same outcome.
    if met is None and missed != target.lowest:
        return target.lowest
    if missed is None and met != target.highest:
        return target.highest
    return None
