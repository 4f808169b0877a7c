"""Where the zeros are."""

from pydantic import Field, computed_field

from pruning.report.base import Facts


class LayerFacts(Facts):
    """One pruned weight matrix."""

    name: str = Field(description="The layer's name in the model.")
    block: int = Field(description="The decoder block, counted from 0.")
    shape: tuple[int, ...] = Field(description="The shape of the weight matrix.")
    zeros: int = Field(description="Number of weights that are zero.")
    weights: int = Field(description="Number of weights.")
    relative_error: float | None = Field(
        None,
        description="How far its outputs are from those of its dense weights on the same inputs: the "
        "Frobenius norm of the difference over that of the dense outputs. Over all calibration windows where "
        "the recipe measures second moments (sparsegpt, admm, any refit, swaps), over the first one where it "
        "measures input norms only (wanda, gblm, ria). Null for a method that measures no inputs, and for an "
        "expert that no token reached.",
    )

    swap_reduction: float | None = Field(
        None,
        description="By how much swaps have lowered the squared error of a row's outputs, relative to it: "
        "the median over rows. Null for a recipe without swaps.",
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sparsity(self) -> float:
        """The share of zeros."""
        return self.zeros / self.weights


class SparsityFacts(Facts):
    """The zeros by layer. Layers outside the decoder blocks are not pruned and not counted."""

    layers: tuple[LayerFacts, ...] = Field(
        description="Each pruned weight matrix, in the model's order; none for a recipe that masks nothing."
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def overall(self) -> float:
        """The share of zeros over all pruned layers; 0 where there are none."""
        weights = sum(layer.weights for layer in self.layers)
        return sum(layer.zeros for layer in self.layers) / weights if weights else 0.0
