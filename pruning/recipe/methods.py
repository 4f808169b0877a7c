"""The options of each pruning method. The maths is in `pruning.methods`, one file per method."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field

from pruning.recipe.fields import Frozen

GradientNorm = Literal["l1", "l2"]

Need = Literal["input_norms", "gradient_norms"]


class MethodOptions(Frozen):
    """What a method can be told, and what it needs to be computed before it can score a weight."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    name: str


class Magnitude(MethodOptions):
    """|W|, one threshold per weight matrix."""

    name: Literal["magnitude"] = "magnitude"


class Wanda(MethodOptions):
    """|W|·‖X‖₂ per output row (Sun et al., 2023, arXiv 2306.11695)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"input_norms"})
    name: Literal["wanda"] = "wanda"


class Gradient(MethodOptions):
    """|W|·‖G‖ per output row, G the loss gradients over the calibration windows (arXiv 2311.04902)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"gradient_norms"})
    name: Literal["gradient"] = "gradient"
    norm: GradientNorm = Field("l1", description="The norm over calibration windows.")


class Gblm(MethodOptions):
    """|W|·‖X‖₂ + |W|·‖α·G‖ per output row (Das et al., 2023, arXiv 2311.04902)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"input_norms", "gradient_norms"})
    name: Literal["gblm"] = "gblm"
    norm: GradientNorm = Field(
        "l1", description="The norm over calibration windows; the published figures are L1's."
    )
    alpha: float = Field(100.0, ge=0, le=1e6, description="The scale of the gradients; the paper uses 100.")


AnyMethod = Magnitude | Wanda | Gradient | Gblm

METHODS: dict[str, type[MethodOptions]] = {
    cls.model_fields["name"].default: cls for cls in get_args(AnyMethod)
}


def _from_plain_name(value: Any) -> Any:  # noqa: ANN401 - what a client sent, not yet validated
    return {"name": value} if isinstance(value, str) else value


# A method by its name alone ("gblm"), or with its options ({"name": "gblm", "norm": "l2"}).
Method = Annotated[
    Annotated[AnyMethod, Field(discriminator="name")],
    BeforeValidator(_from_plain_name, json_schema_input_type=str | AnyMethod),
]
