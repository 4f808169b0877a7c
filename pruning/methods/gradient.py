"""Gradient pruning (as in arXiv 2311.04902): a weight's size times the loss's sensitivity to it."""

from torch import Tensor

from pruning.methods.base import LayerEvidence, Method, implements
from pruning.recipe import Gradient


def gradient_scores(weight: Tensor, gradient_norms: Tensor) -> Tensor:
    """|W_ij|·‖G_:,ij‖: both (outputs, inputs), the norm over calibration windows up to a common factor."""
    return weight.abs() * gradient_norms


@implements(Gradient)
class GradientMethod(Method[Gradient]):
    """Each output row on its own."""

    def score(self, layer: LayerEvidence) -> Tensor:
        """See `gradient_scores`."""
        return gradient_scores(layer.weight, layer.gradient_norms(self.options.norm))
