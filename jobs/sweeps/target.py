"""What a search is to find: one bound, on perplexity or on size and speed."""

from typing import Literal, Self

from pydantic import Field, model_validator

from jobs.spec.gate import Bytes, Gate
from pruning.recipe import StrictModel, Text

_PERPLEXITY = ("max_perplexity", "max_perplexity_increase")
_SIZE = ("max_bytes", "max_parameters", "min_speedup")


class Target(StrictModel):
    """One bound: on perplexity, which a search stays within; or on size, of which it finds the best model."""

    export: Text | None = Field(
        None,
        description="The export whose perplexity is bounded, by its name, such as `gguf:Q4_K_M`; job.exports "
        "must have it. The pruned model's when left out.",
    )
    max_perplexity: float | None = Field(None, gt=0, le=1e9, description="Upper bound of the perplexity.")
    max_perplexity_increase: float | None = Field(
        None, ge=0, le=1e6, description="Upper bound of the increase over the dense model: 0.05 is 5 %."
    )
    max_bytes: Bytes | None = Field(None, description="Upper bound of the size of the weight files.")
    max_parameters: int | None = Field(
        None, ge=1, le=10**15, description="Upper bound of the number of parameters."
    )
    min_speedup: float | None = Field(
        None,
        gt=1,
        le=100,
        description="Lower bound of the speed-up over the dense model, as the stage speed measures it.",
    )
    format: Literal["gguf"] | None = Field(
        None,
        description="With `max_bytes`: find the best exported file of the size, of the six largest types "
        "that may fit, of the dense model and of the one that the job prunes.",
    )
    over: Literal["sparsity", "structure"] = Field(
        "sparsity",
        description="What a bound on perplexity is searched over: the sparsity of the mask, or the share of "
        "the blocks' parameters that structure takes out, for the fastest model within the bound.",
    )
    lowest: float = Field(0.05, ge=0.001, lt=1, description="The lowest sparsity, or share, to consider.")
    highest: float = Field(0.95, gt=0, le=0.999, description="The highest sparsity, or share, to consider.")
    tolerance: float = Field(
        0.02, ge=0.001, le=0.5, description="The largest allowed distance from the best sparsity, or share."
    )
    max_jobs: int = Field(
        9,
        ge=2,
        le=32,
        description="The most jobs of a search for the best model of a size: one for each way to divide what "
        "goes among the units.",
    )

    @model_validator(mode="after")
    def _can_be_searched(self) -> Self:
        given = [name for name in (*_PERPLEXITY, *_SIZE) if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs one of {', '.join((*_PERPLEXITY, *_SIZE))}")
        if self.export is not None and given[0] not in _PERPLEXITY:
            raise ValueError("export goes with a bound on perplexity")
        if self.format is not None and self.max_bytes is None:
            raise ValueError("format goes with max_bytes")
        if self.lowest >= self.highest:
            raise ValueError("lowest must be less than highest")
        return self

    @property
    def is_of_size(self) -> bool:
        """Whether the best model of a size is searched, or of a speed, and not the smallest of a quality."""
        return any(getattr(self, name) is not None for name in _SIZE)

    @property
    def gate(self) -> Gate:
        """The gate that judges each model of the search."""
        return Gate.model_validate({name: getattr(self, name) for name in ("export", *_PERPLEXITY, *_SIZE)})
