"""Wanda (Sun et al., 2023, arXiv 2306.11695): a weight's size times the size of its input."""

from torch import Tensor

from pruning.methods.base import LayerStats, RowSelectingMethod
from pruning.recipe.methods import Wanda


def wanda_scores(weight: Tensor, input_norms: Tensor) -> Tensor:
    """|W_ij|·‖X_j‖₂: `weight` (outputs, inputs), `input_norms` (inputs,) up to a common factor."""
    return weight.abs() * input_norms


class WandaMethod(RowSelectingMethod[Wanda]):
    """Each output row on its own."""

    def score(self, layer: LayerStats) -> Tensor:
        """See `wanda_scores`."""
        return wanda_scores(layer.weight, layer.input_norms)
