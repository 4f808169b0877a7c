"""Gradient pruning (as in arXiv 2311.04902): the magnitude of a weight times the norm of its gradient."""

from torch import Tensor

from pruning.methods.base import LayerStats, ScoringMethod
from pruning.recipe.methods import Gradient

# The reference's constants. Its 1e-8 is zero in the float16 in which it computes; here it is not.
REFERENCE_SCALE = 100.0
INVERSE_EPSILON = 1e-8


def gradient_scores(weight: Tensor, gradient_norms: Tensor) -> Tensor:
    """|W_ij|·‖G_:,ij‖: both (outputs, inputs), the norm over calibration windows up to a common factor."""
    return weight.abs() * gradient_norms


def inverse_gradient_scores(weight: Tensor, gradient_norms: Tensor) -> Tensor:
    """|W_ij|/(‖100·G_:,ij‖ + 1e-8): the shapes of `gradient_scores`, the gradients without any scale."""
    return weight.abs() / (REFERENCE_SCALE * gradient_norms).add_(INVERSE_EPSILON)


class GradientMethod(ScoringMethod[Gradient]):
    """Compares the weights of each output row."""

    def score(self, layer: LayerStats) -> Tensor:
        scores = inverse_gradient_scores if self.options.inverse else gradient_scores
        return scores(layer.weight, layer.gradient_norms(self.options.norm))
