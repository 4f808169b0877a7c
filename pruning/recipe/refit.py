"""The options of refit, which solves for the kept weights again. The maths is in `pruning.methods.refit`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pruning.recipe.fields import OMIT_DEFAULT_FROM_FINGERPRINT, StrictModel
from pruning.recipe.methods import RIDGE, Need


class RefitOptions(StrictModel):
    """Solve for the kept weights of each layer again, to reproduce the dense layer's outputs."""

    ridge: Annotated[float, OMIT_DEFAULT_FROM_FINGERPRINT] = Field(0.0, ge=0, le=100, description=RIDGE)
    iterations: int = Field(20, ge=1, le=1_000, description="Steps of conjugate gradients.")
    toward: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The target outputs: at 0, those of the dense weights on the pruned model's inputs; at "
        "1, those of the dense model; in between, a weighted mean.",
    )

    @property
    def needs(self) -> frozenset[Need]:
        """The measurements on the calibration windows."""
        needs: frozenset[Need] = frozenset({"second_moments"})
        return needs | {"activation_error"} if self.toward else needs

    def operations(self, outputs: int, inputs: int) -> float:
        """Floating-point operations for one matrix: a product with the second moments per step."""
        return (self.iterations + 1) * 2.0 * outputs * inputs**2


def _from_plain_choice(value: Any) -> Any:  # noqa: ANN401 - what a client sent, not yet validated
    if not isinstance(value, bool | Mapping | RefitOptions | None):
        raise ValueError("must be true, false, or an object with options")
    return ({} if value else None) if isinstance(value, bool) else value


# true or false alone, or the options.
Refit = Annotated[
    RefitOptions | None,
    BeforeValidator(_from_plain_choice, json_schema_input_type=bool | RefitOptions | None),
]
