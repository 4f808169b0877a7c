"""The search for the sparsest model within a bound on its perplexity, by bisection: pure, one step at a time.

Perplexity grows with sparsity, so between a sparsity that meets the bound and one that misses it, the middle
one halves what is left open. Where it does not quite grow, no harm is done: the answer is a sparsity that was
measured and met the bound.
"""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from jobs.spec.gate import Gate
from pruning.recipe import StrictModel

_DIGITS = 4


class Target(StrictModel):
    """The sparsest model whose perplexity is within one bound."""

    max_perplexity: float | None = Field(None, gt=0, le=1e9, description="At most this.")
    max_perplexity_increase: float | None = Field(
        None, ge=0, le=1e6, description="At most this far over the dense model's: 0.05 is 5 %."
    )
    lowest: float = Field(0.05, ge=0.001, lt=1, description="The least sparsity that is worth having.")
    highest: float = Field(0.95, gt=0, le=0.999, description="The most that is tried for.")
    tolerance: float = Field(
        0.02, ge=0.001, le=0.5, description="How near to the best sparsity the answer lies, at least."
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
        """What each model on the way is judged by."""
        return Gate(max_perplexity=self.max_perplexity, max_perplexity_increase=self.max_perplexity_increase)


class Search(BaseModel):
    """What is known so far."""

    met: float | None = Field(None, description="The highest sparsity that has met the bound.")
    missed: float | None = Field(None, description="The lowest sparsity that has missed it.")
    best_job: UUID | None = Field(None, description="The job that has met it at that sparsity.")

    def after(self, sparsity: float, job_id: UUID, *, met: bool) -> "Search":
        """What is known once the job's sparsity was measured."""
        if met:
            return self.model_copy(update={"met": sparsity, "best_job": job_id})
        return self.model_copy(update={"missed": sparsity})

    def next_sparsity(self, target: Target) -> float | None:
        """What to measure next. None: the answer is known to the tolerance, or that there is none."""
        low = target.lowest if self.met is None else self.met
        high = target.highest if self.missed is None else self.missed
        if high - low > target.tolerance:
            return round((low + high) / 2, _DIGITS)
        # The ends of the range are measured only when everything between them has gone the same way.
        if self.met is None and self.missed != target.lowest:
            return target.lowest
        if self.missed is None and self.met != target.highest:
            return target.highest
        return None
