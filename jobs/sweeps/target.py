"""What a search is to find: one bound, on perplexity or on the size of a file."""

from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jobs.spec.gate import Bytes, Gate
from pruning.recipe import StrictModel, Text

_PERPLEXITY = ("max_perplexity", "max_perplexity_increase")
_BOUNDS = (*_PERPLEXITY, "max_bytes")


class Target(StrictModel):
    """One bound: on perplexity, which a search stays within; or on size, of which it finds the best file."""

    export: Text | None = Field(
        None,
        description="The export whose perplexity is bounded, by its name, such as `gguf:Q4_K_M`; job.exports "
        "must have it. The pruned model's when left out.",
    )
    max_perplexity: float | None = Field(None, gt=0, le=1e9, description="Upper bound of the perplexity.")
    max_perplexity_increase: float | None = Field(
        None, ge=0, le=1e6, description="Upper bound of the increase over the dense model: 0.05 is 5 %."
    )
    format: Literal["gguf"] | None = Field(
        None,
        description="With `max_bytes`: find the best exported file of the size, of the six largest types "
        "that may fit, of the dense model and of the one that the job prunes.",
    )
    max_bytes: Bytes | None = Field(
        None, description="Upper bound of the size of an exported file; needs `format`."
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

    @field_validator("max_bytes")
    @classmethod
    def _is_of_files(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("format", "") is None:
            raise ValueError("needs a format: set format to gguf, to find the best file of this size")
        return value

    @model_validator(mode="after")
    def _can_be_searched(self) -> Self:
        given = [name for name in _BOUNDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs one of {', '.join(_BOUNDS)}")
        if self.export is not None and given[0] not in _PERPLEXITY:
            raise ValueError("export goes with a bound on perplexity")
        if self.format is not None and self.max_bytes is None:
            raise ValueError("format goes with max_bytes")
        if self.lowest >= self.highest:
            raise ValueError("lowest must be less than highest")
        return self

    @property
    def gate(self) -> Gate:
        """The gate that judges each model of a search within a bound on perplexity."""
        return Gate.model_validate({name: getattr(self, name) for name in ("export", *_PERPLEXITY)})
