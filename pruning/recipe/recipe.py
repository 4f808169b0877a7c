"""The recipe itself."""

import hashlib
import json
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from pruning.recipe.fields import Dataset, Frozen, ModelReference, Pattern, group_of
from pruning.recipe.methods import Method

ComputeDtype = Literal["auto", "float64", "float32", "bfloat16", "float16"]

_SPARSITY_TOLERANCE = 0.001


class Calibration(Frozen):
    """The token windows on which activations and gradients are measured. The defaults are the reference's."""

    dataset: Dataset = "c4"
    samples: int = Field(128, ge=1, le=65_536, description="Token windows.")
    sequence_length: int | None = Field(
        None, ge=2, le=131_072, description="Tokens per window; min(2048, the model's context) when left out."
    )
    seed: int = Field(0, ge=0, le=2**32 - 1)


class Recipe(Frozen):
    """Everything that decides the pruned weights. Two equal recipes give the same mask."""

    model: ModelReference
    method: Method
    pattern: Pattern = "unstructured"
    sparsity: float = Field(
        None,  # an N:M pattern fills it in; the validator refuses what is left
        gt=0,
        lt=1,
        validate_default=True,
        description="The share of zeros in the pruned layers. An N:M pattern implies it: 1 - N/M.",
    )
    calibration: Calibration = Calibration()
    dtype: ComputeDtype = Field(
        "auto", description="The precision of the computation, not of the saved weights."
    )

    @field_validator("sparsity", mode="before")
    @classmethod
    def _implied_by_the_pattern(cls, value: object, info: ValidationInfo) -> object:
        group = group_of(info.data.get("pattern", "unstructured"))
        if group is None:
            if value is None:
                raise ValueError("is required unless the pattern is N:M")
            return value
        implied = 1 - group[0] / group[1]
        if value is None:
            return implied
        # Compared, not subtracted: a NaN is no match, and an integer of any size does not overflow.
        near = (implied - _SPARSITY_TOLERANCE, implied + _SPARSITY_TOLERANCE)
        if isinstance(value, int | float) and not near[0] <= value <= near[1]:
            raise ValueError(
                f"pattern {group[0]}:{group[1]} means {implied:g}; leave sparsity out, or give that"
            )
        return implied if isinstance(value, int | float) else value

    def fingerprint(self) -> str:
        """SHA-256 over the recipe's canonical JSON, as 64 hex digits."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
