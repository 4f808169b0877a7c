"""GBLM-Pruner (Das et al., 2023, arXiv 2311.04902): the sum of Wanda's score and the gradient score."""

from torch import Tensor

from pruning.methods.base import LayerStats, RowSelectingMethod
from pruning.methods.gradient import INVERSE_EPSILON
from pruning.recipe.methods import Gblm


def gblm_scores(weight: Tensor, input_norms: Tensor, gradient_norms: Tensor, *, alpha: float) -> Tensor:
    """|W_ij|·‖X_j‖₂/√N + |W_ij|·‖α·G_:,ij‖.

    `weight` and `gradient_norms` (outputs, inputs), `input_norms` (inputs,). N calibration windows: the
    first term is a mean over them and the second a sum, as in the reference, so `alpha` weighs more with
    more windows.
    """
    return weight.abs() * (alpha * gradient_norms).add_(input_norms)


def inverse_gblm_scores(
    weight: Tensor, input_norms: Tensor, gradient_norms: Tensor, *, alpha: float
) -> Tensor:
    """|W_ij|·(‖X_j‖₂/√N)/(‖α·G_:,ij‖ + 1e-8): the shapes of `gblm_scores`."""
    return weight.abs() * input_norms / (alpha * gradient_norms).add_(INVERSE_EPSILON)


class GblmMethod(RowSelectingMethod[Gblm]):
    """Compares the weights of each output row."""

    def score(self, layer: LayerStats) -> Tensor:
        scores = inverse_gblm_scores if self.options.inverse else gblm_scores
        gradient_norms = layer.gradient_norms(self.options.norm)
        return scores(layer.weight, layer.input_norms, gradient_norms, alpha=self.options.alpha)
