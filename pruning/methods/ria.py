"""RIA (Zhang et al., 2024, 'Plug-and-Play: an efficient post-training pruning method for LLMs').

A weight is scored by its share of its row and of its column, so that no whole channel is pruned.
"""

from torch import Tensor

from pruning.methods.base import LayerStats, ScoringMethod
from pruning.recipe.methods import Ria


def ria_scores(weight: Tensor, input_norms: Tensor, *, power: float) -> Tensor:
    """Return (|W_ij|/Σ_i|W_ij| + |W_ij|/Σ_j|W_ij|)·‖X_j‖₂^power, (outputs, inputs).

    `weight` (outputs, inputs), `input_norms` (inputs,). In a row or column of zeros, every share is 0.
    """
    sizes = weight.abs()
    of_column = sizes / _never_zero(sizes.sum(dim=0, keepdim=True))
    of_row = sizes / _never_zero(sizes.sum(dim=1, keepdim=True))
    return (of_column + of_row) * input_norms**power


def _never_zero(sums: Tensor) -> Tensor:
    return sums.masked_fill(sums == 0, 1)


class RiaMethod(ScoringMethod[Ria]):
    """Compares the weights of each output row."""

    def score(self, layer: LayerStats) -> Tensor:
        return ria_scores(layer.weight, layer.input_norms, power=self.options.power)
