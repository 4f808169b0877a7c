"""The options of each pruning method. The maths is in `pruning.methods`, one file per method."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field

from pruning.recipe.fields import StrictModel

GradientNorm = Literal["l1", "l2"]

# "activation_error": the mean of EᵀX, E the error of the pruned model's activations, X a layer's inputs.
Need = Literal["input_norms", "second_moments", "activation_error", "gradient_norms"]

# "share": the lowest-scored share of each row goes, as many weights in one row as in the next.
# "cumulative": each row loses its lowest weights up to an equal part of its total score (Wanda's variant).
RowSelection = Literal["share", "cumulative"]

_SELECTION = (
    "Which weights of a row go: the lowest share, or (unstructured only) those whose scores together make up "
    "a part of the row's total, the part chosen per matrix; it may miss the sparsity by more than 0.001."
)
_INVERSE = "Divide by the gradients instead, the reference's inverse-gradient score."
_DAMPING = "Added to the diagonal of the second moments, as a part of its mean."


class MethodOptions(StrictModel):
    """What a method can be told, and what it needs to be computed before it can score a weight."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    updates_weights: ClassVar[bool] = False  # of those that it keeps
    name: str

    def operations(self, outputs: int, inputs: int) -> float:
        """Floating-point operations that one matrix takes beside scores and masks: for estimates."""
        return 0.0


class Magnitude(MethodOptions):
    """|W|, one threshold per weight matrix."""

    name: Literal["magnitude"] = "magnitude"


class Wanda(MethodOptions):
    """|W|·‖X‖₂ per output row (Sun et al., 2023, arXiv 2306.11695)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"input_norms"})
    name: Literal["wanda"] = "wanda"
    selection: RowSelection = Field("share", description=_SELECTION)


class Gradient(MethodOptions):
    """|W|·‖G‖ per output row, G the loss gradients over the calibration windows (arXiv 2311.04902)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"gradient_norms"})
    name: Literal["gradient"] = "gradient"
    norm: GradientNorm = Field("l1", description="The norm over calibration windows.")
    inverse: bool = Field(False, description=_INVERSE)


class Gblm(MethodOptions):
    """|W|·‖X‖₂ + |W|·‖α·G‖ per output row (Das et al., 2023, arXiv 2311.04902)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"input_norms", "gradient_norms"})
    name: Literal["gblm"] = "gblm"
    norm: GradientNorm = Field(
        "l1", description="The norm over calibration windows; the published figures are L1's."
    )
    alpha: float = Field(100.0, ge=0, le=1e6, description="The scale of the gradients; the paper uses 100.")
    inverse: bool = Field(False, description=_INVERSE)
    selection: RowSelection = Field("share", description=_SELECTION)


class Ria(MethodOptions):
    """(|W|/Σcolumn + |W|/Σrow)·‖X‖₂^power per output row (Zhang et al., 2024, Plug-and-Play)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"input_norms"})
    name: Literal["ria"] = "ria"
    power: float = Field(0.5, ge=0, le=4, description="The exponent of the input norms.")


class SparseGpt(MethodOptions):
    """Column by column, each error made good by the columns to its right (arXiv 2301.00774)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"second_moments"})
    updates_weights: ClassVar[bool] = True
    name: Literal["sparsegpt"] = "sparsegpt"
    damping: float = Field(0.01, gt=0, le=1, description=_DAMPING)
    columns: int = Field(128, ge=1, le=65_536, description="Columns that share one threshold.")

    def operations(self, outputs: int, inputs: int) -> float:
        """Two Cholesky factors and an inverse, and every column's error taken from those to its right."""
        return 4 / 3 * inputs**3 + outputs * inputs**2


class Admm(MethodOptions):
    """The support searched by ADMM on the layer's reconstruction error (ALPS, arXiv 2406.07831)."""

    needs: ClassVar[frozenset[Need]] = frozenset({"second_moments"})
    updates_weights: ClassVar[bool] = True
    name: Literal["admm"] = "admm"
    damping: float = Field(0.01, gt=0, le=1, description=_DAMPING)
    penalty: float = Field(0.1, gt=0, le=1e3, description="At the start; it rises as the support settles.")
    iterations: int = Field(300, ge=1, le=10_000, description="At most; it stops when the support settles.")

    def operations(self, outputs: int, inputs: int) -> float:
        """A product per iteration, an inverse every third, and about so many iterations until it settles."""
        return min(self.iterations, 21) * (2.0 * outputs * inputs**2 + 2 / 3 * inputs**3)


AnyMethod = Magnitude | Wanda | Gradient | Gblm | Ria | SparseGpt | Admm

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
