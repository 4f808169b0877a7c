"""How the sparsity is spread over the layers. The maths is in `pruning.methods.allocation`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pruning.recipe.methods import Need
from pruning.recipe.registry import ByName, Options, OptionsRegistry


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


_BAND = "The largest difference between a layer's sparsity and the recipe's."


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
    threshold: float = Field(
        5.0, gt=0, le=1e3, description="A score above this many times the block's mean is an outlier."
    )
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
    band: float = Field(0.25, ge=0, le=1, description=_BAND)


@ALLOCATIONS.add
class LossGuided(AllocationOptions):
    """Start from `gradient`, prune once, and move zeros from layers that add much to the loss to others.

    It prunes the model twice, with a pass between over 16 windows of the calibration's text that hold no
    calibration window.
    """

    implementation = "pruning.methods.allocation:gradient_guided_sparsities"
    needs = frozenset({"gradient_norms"})
    name: Literal["search"] = "search"
    band: float = Field(0.25, ge=0, le=1, description=f"{_BAND} That of the first pruning.")


# An allocation by its name alone ("owl"), or with its options ({"name": "owl", "band": 0.05}).
Allocation = Annotated[AllocationOptions, ByName(ALLOCATIONS)]
