"""How the sparsity is spread over the layers. The maths is in `pruning.allocation`."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from pruning.recipe.fields import StrictModel
from pruning.recipe.methods import Need


class AllocationOptions(StrictModel):
    """What an allocation can be told, and what it needs to be computed."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    name: str


class Uniform(AllocationOptions):
    """Every layer the same sparsity."""

    name: Literal["uniform"] = "uniform"


class Owl(AllocationOptions):
    """Less sparsity for the blocks with more outliers among their Wanda scores (arXiv 2310.05175)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"input_norms"})
    name: Literal["owl"] = "owl"
    threshold: float = Field(
        5.0, gt=0, le=1e3, description="An outlier is this many times the block's mean score."
    )
    band: float = Field(
        0.08, ge=0, le=0.5, description="Half of the distance between the least and the most pruned block."
    )


class GradientGuided(AllocationOptions):
    """More sparsity for the layers with more weights that the loss hardly feels, by |W|·‖G‖₂."""

    needs: ClassVar[frozenset[Need]] = frozenset({"gradient_norms"})
    name: Literal["gradient"] = "gradient"
    band: float = Field(
        0.25, ge=0, le=1, description="How far a layer's sparsity may lie from the recipe's, at most."
    )


AnyAllocation = Uniform | Owl | GradientGuided


def _from_plain_name(value: Any) -> Any:  # noqa: ANN401 - what a client sent, not yet validated
    return {"name": value} if isinstance(value, str) else value


# An allocation by its name alone ("owl"), or with its options ({"name": "owl", "band": 0.05}).
Allocation = Annotated[
    Annotated[AnyAllocation, Field(discriminator="name")],
    BeforeValidator(_from_plain_name, json_schema_input_type=str | AnyAllocation),
]
