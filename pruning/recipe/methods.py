"""The options of each pruning method and of each allocation.

The maths is in `pruning.methods`, one file per method, and in `pruning.methods.allocation`.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pruning.recipe.presets import PRESETS
from pruning.recipe.registry import ByName, Options, OptionsRegistry

GradientNorm = Literal["l1", "l2", "gates", "columns"]
"""What a gradient pass accumulates for a layer: the L1 or L2 norm over windows of its weight's gradients; or
`gates`, the gradient of each window with respect to a factor 1 on each of its inputs, with its sign; or
`columns`, for each input the sum over windows and outputs of the squared gradients."""

WeightNorm = Literal["l1", "l2"]

Need = Literal["input_norms", "second_moments", "activation_error", "gradient_norms"]
"""A measurement on the calibration windows, see `pruning.methods.base.LayerStats`. `activation_error` is the
mean of EᵀX, E the error of the pruned model's activations and X a layer's inputs."""

# "share": the lowest-scored share of each row is pruned, the same number of weights in every row.
# "cumulative": each row loses its lowest scores up to an equal part of its total score (Wanda's variant).
RowSelection = Literal["share", "cumulative"]

_SELECTION = (
    "Which weights of a row are pruned: `share`, the lowest-scored share of the row; or `cumulative` "
    "(unstructured only), the lowest scores that together make up a part of the row's total. The part is "
    "chosen per matrix, and may miss the sparsity by more than 0.001."
)
_INVERSE = "Divide by the gradients instead of multiplying: the reference's inverse-gradient score."
RIDGE = (
    "Ridge regularisation: this times inputs ÷ tokens, as a share of it, is added to each number on the "
    "second moments' diagonal. It avoids overfitting small calibration sets."
)


class MethodOptions(Options):
    """The options of a pruning method. `implementation` names its `pruning.methods.base.Method`.

    Attributes
    ----------
    needs
        What must be measured before the method can prune a layer.
    updates_weights
        Whether the method changes weights that it keeps.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()
    updates_weights: ClassVar[bool] = False

    def operations(self, outputs: int, inputs: int) -> float:
        """Floating-point operations for one matrix in addition to scores and masks, for estimates."""
        return 0.0

    def numbers_held(self, outputs: int, inputs: int, pattern: str) -> float:
        """Numbers in float32 that are held for one matrix, its statistics not counted, for estimates.

        By default the matrix as it was and as it is, its scores, and their products with inputs.
        """
        return 3.5 * outputs * inputs


METHODS = OptionsRegistry("pruneserve.methods", base=MethodOptions)
"""The options class of every method, by name."""


@METHODS.add
class NoPruning(MethodOptions):
    """Prune nothing: the dense model is measured, and exported if that is asked for."""

    name: Literal["none"] = "none"


@METHODS.add
class Magnitude(MethodOptions):
    """|W|, one threshold per weight matrix."""

    implementation = "pruning.methods.scores:MagnitudeMethod"
    name: Literal["magnitude"] = "magnitude"

    def numbers_held(self, outputs: int, inputs: int, pattern: str) -> float:
        """The scores, or the matrix as it was: no inputs are multiplied with it."""
        return 1.75 * outputs * inputs


@METHODS.add
class Wanda(MethodOptions):
    """|W|·‖X‖₂ per output row (Sun et al., 2023, arXiv 2306.11695)."""

    implementation = "pruning.methods.scores:WandaMethod"
    needs = frozenset({"input_norms"})
    name: Literal["wanda"] = "wanda"
    selection: RowSelection = Field("share", description=_SELECTION)


@METHODS.add
class Gradient(MethodOptions):
    """|W|·‖G‖ per output row, G the loss gradients over the calibration windows (arXiv 2311.04902)."""

    implementation = "pruning.methods.scores:GradientMethod"
    needs = frozenset({"gradient_norms"})
    name: Literal["gradient"] = "gradient"
    norm: WeightNorm = Field("l1", description="The norm over calibration windows.")
    inverse: bool = Field(False, description=_INVERSE)


@METHODS.add
class Gblm(MethodOptions):
    """|W|·‖X‖₂ + |W|·‖α·G‖ per output row (Das et al., 2023, arXiv 2311.04902)."""

    implementation = "pruning.methods.scores:GblmMethod"
    needs = frozenset({"input_norms", "gradient_norms"})
    name: Literal["gblm"] = "gblm"
    norm: WeightNorm = Field(
        "l1", description="The norm over calibration windows; the published figures are L1's."
    )
    alpha: float = Field(100.0, ge=0, le=1e6, description="The scale of the gradients; the paper uses 100.")
    inverse: bool = Field(False, description=_INVERSE)
    selection: RowSelection = Field("share", description=_SELECTION)


@METHODS.add
class Ria(MethodOptions):
    """(|W|/Σcolumn + |W|/Σrow)·‖X‖₂^0.5, one threshold per matrix (Zhang et al., 2024, Plug-and-Play)."""

    implementation = "pruning.methods.scores:RiaMethod"
    needs = frozenset({"input_norms"})
    name: Literal["ria"] = "ria"


@METHODS.add
class SparseGpt(MethodOptions):
    """Column by column; the columns to the right compensate for each error (arXiv 2301.00774)."""

    implementation = "pruning.methods.sparsegpt:SparseGptMethod"
    needs = frozenset({"second_moments"})
    updates_weights = True
    name: Literal["sparsegpt"] = "sparsegpt"

    def operations(self, outputs: int, inputs: int) -> float:
        """A Cholesky factor, its inverse, and the update of all columns to the right of each column."""
        return 4 / 3 * inputs**3 + outputs * inputs**2

    def numbers_held(self, outputs: int, inputs: int, pattern: str) -> float:
        """Two factors at first; then one, the new weights and an update; at the end what all methods hold."""
        weights = outputs * inputs
        return max(2 * inputs**2, inputs**2 + 2.3 * weights, super().numbers_held(outputs, inputs, pattern))


@METHODS.add
class Admm(MethodOptions):
    """ADMM search for the support with the least reconstruction error (ALPS, arXiv 2406.07831)."""

    implementation = "pruning.methods.admm:AdmmMethod"
    needs = frozenset({"second_moments"})
    updates_weights = True
    name: Literal["admm"] = "admm"
    ridge: float = Field(0.0, ge=0, le=100, description=RIDGE)

    def operations(self, outputs: int, inputs: int) -> float:
        """A product per step, and an inverse by a Cholesky factor every third; about 21 steps."""
        return 21 * 2.0 * outputs * inputs**2 + 7 * inputs**3

    def numbers_held(self, outputs: int, inputs: int, pattern: str) -> float:
        """Two factors while an inverse is computed; one in a step, which sorts groups for a pattern N:M."""
        weights = outputs * inputs
        in_step = 4.8 if pattern == "unstructured" else 6.5
        return max(2 * inputs**2 + 3.3 * weights, inputs**2 + in_step * weights)


# A method by its name alone ("gblm"), or with its options ({"name": "gblm", "norm": "l2"}).
Method = Annotated[MethodOptions, ByName(METHODS, also=tuple(PRESETS))]


class AllocationOptions(Options):
    """Options of an allocation. `implementation` names its function; see `pruning.methods.allocation`.

    Attributes
    ----------
    needs
        What must be measured on the dense model before the sparsities can be set.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()


ALLOCATIONS = OptionsRegistry("pruneserve.allocations", base=AllocationOptions)
"""The options class of every allocation, by name."""


@ALLOCATIONS.add
class Uniform(AllocationOptions):
    """Every layer the same sparsity."""

    implementation = "pruning.methods.allocation:uniform"
    name: Literal["uniform"] = "uniform"


@ALLOCATIONS.add
class Owl(AllocationOptions):
    """Less sparsity for the blocks with more outliers among their Wanda scores (arXiv 2310.05175)."""

    implementation = "pruning.methods.allocation:owl_sparsities"
    needs = frozenset({"input_norms"})
    name: Literal["owl"] = "owl"
    band: float = Field(
        0.08,
        ge=0,
        le=0.5,
        description="Half the difference in sparsity between the least and the most pruned block.",
    )


@ALLOCATIONS.add
class GradientGuided(AllocationOptions):
    """More sparsity for the layers with more weights of low saliency |W|·‖G‖₂."""

    implementation = "pruning.methods.allocation:gradient_guided_sparsities"
    needs = frozenset({"gradient_norms"})
    name: Literal["gradient"] = "gradient"
    band: float = Field(
        0.25, ge=0, le=1, description="The largest difference between a layer's sparsity and the recipe's."
    )


# An allocation by its name alone ("owl"), or with its options ({"name": "owl", "band": 0.05}).
Allocation = Annotated[AllocationOptions, ByName(ALLOCATIONS)]
