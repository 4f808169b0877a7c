"""Bisection for the sparsest model within a bound on its perplexity: pure functions, one step at a time.

Perplexity grows with sparsity, so measuring the middle between a sparsity that meets the bound and one that
misses it halves the interval. If perplexity is not quite monotonic, the answer is still a sparsity that was
measured and met the bound.
"""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from jobs.spec.gate import Gate
from pruning.recipe import StrictModel

_DIGITS = 4
_ANY = UUID(int=0)


class Target(StrictModel):
    """The bound on perplexity, and the range and tolerance of the search."""

    max_perplexity: float | None = Field(None, gt=0, le=1e9, description="Upper bound of the perplexity.")
    max_perplexity_increase: float | None = Field(
        None, ge=0, le=1e6, description="Upper bound of the increase over the dense model: 0.05 is 5 %."
    )
    lowest: float = Field(0.05, ge=0.001, lt=1, description="The lowest sparsity to consider.")
    highest: float = Field(0.95, gt=0, le=0.999, description="The highest sparsity to consider.")
    tolerance: float = Field(
        0.02, ge=0.001, le=0.5, description="The largest allowed distance from the best sparsity."
    )

    @model_validator(mode="after")
    def _can_be_searched(self) -> Self:
        if (self.max_perplexity is None) == (self.max_perplexity_increase is None):
            raise ValueError("needs one of max_perplexity and max_perplexity_increase")
        if self.lowest >= self.highest:
            raise ValueError("lowest must be less than highest")
        return self

    @property
    def gate(self) -> Gate:
        """The gate that judges each model of the search."""
        return Gate(max_perplexity=self.max_perplexity, max_perplexity_increase=self.max_perplexity_increase)


class Search(BaseModel):
    """The state of a search."""

    met: float | None = Field(None, description="The highest sparsity that met the bound.")
    missed: float | None = Field(None, description="The lowest sparsity that missed it.")
    best_job: UUID | None = Field(None, description="The job that met it at that sparsity.")

    def after(self, sparsity: float, job_id: UUID, *, met: bool) -> "Search":
        """Return the state after a job's result."""
        if met:
            return self.model_copy(update={"met": sparsity, "best_job": job_id})
        return self.model_copy(update={"missed": sparsity})

    def most_jobs_left(self, target: Target) -> int:
        """Return how many more jobs the search submits at most."""
        sparsity = self.next_sparsity(target)
        if sparsity is None:
            return 0
        outcomes = (self.after(sparsity, _ANY, met=met) for met in (True, False))
        return 1 + max(after.most_jobs_left(target) for after in outcomes)

    def next_sparsity(self, target: Target) -> float | None:
        """Return the sparsity to measure next, or None when the search is over."""
        low = target.lowest if self.met is None else self.met
        high = target.highest if self.missed is None else self.missed
        if high - low > target.tolerance:
            return round((low + high) / 2, _DIGITS)
        # The ends of the range are measured only when all sparsities between them had the same outcome.
        if self.met is None and self.missed != target.lowest:
            return target.lowest
        if self.missed is None and self.met != target.highest:
            return target.highest
        return None
