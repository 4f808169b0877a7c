"""Wanda (Sun et al., 2023, arXiv 2306.11695): the magnitude of a weight times the norm of its input."""

from torch import Tensor

from pruning.methods.base import LayerStats, RowSelectingMethod
from pruning.recipe.methods import Wanda


def wanda_scores(weight: Tensor, input_norms: Tensor) -> Tensor:
    """Return |W_ij|·‖X_j‖₂: `weight` (outputs, inputs), `input_norms` (inputs,) up to a common factor."""
    return weight.abs() * input_norms


class WandaMethod(RowSelectingMethod[Wanda]):
    """Compares the weights of each output row."""

    def score(self, layer: LayerStats) -> Tensor:
        return wanda_scores(layer.weight, layer.input_norms)
