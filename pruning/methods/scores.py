"""Methods that prune the lowest scores, a formula and a class for each.

W is a weight (outputs, inputs), X_j the inputs of column j over all calibration tokens, N the number of
calibration windows, and G_:,ij the gradients of a weight over them.
"""

from typing import ClassVar

from torch import Tensor

from pruning.masks.patterns import ComparisonGroup
from pruning.methods.base import LayerStats, RowSelectingMethod, ScoringMethod
from pruning.recipe.methods import Gblm, Gradient, Magnitude, Ria, Wanda


class MagnitudeMethod(ScoringMethod[Magnitude]):
    """Magnitude pruning: compares the weights of the whole matrix."""

    group: ClassVar[ComparisonGroup] = "matrix"

    def score(self, layer: LayerStats) -> Tensor:
        return layer.weight.abs()


def wanda_scores(weight: Tensor, input_norms: Tensor) -> Tensor:
    """Return |W_ij|·‖X_j‖₂: `weight` (outputs, inputs), `input_norms` (inputs,) up to a common factor."""
    return weight.abs() * input_norms


class WandaMethod(RowSelectingMethod[Wanda]):
    """Wanda (Sun et al., 2023, arXiv 2306.11695): compares the weights of each output row."""

    def score(self, layer: LayerStats) -> Tensor:
        return wanda_scores(layer.weight, layer.input_norms)


RIA_POWER = 0.5
"""The exponent of the input norms, in the paper and by default in its code."""


def ria_scores(weight: Tensor, input_norms: Tensor) -> Tensor:
    """Return (|W_ij|/Σ_i|W_ij| + |W_ij|/Σ_j|W_ij|)·‖X_j‖₂^0.5, (outputs, inputs).

    `weight` (outputs, inputs), `input_norms` (inputs,). In a row or column of zeros, every share is 0.
    """
    sizes = weight.abs()
    shares = sizes / _never_zero(sizes.sum(dim=0, keepdim=True))
    shares += sizes / _never_zero(sizes.sum(dim=1, keepdim=True))
    return shares.mul_(input_norms**RIA_POWER)


def _never_zero(sums: Tensor) -> Tensor:
    return sums.masked_fill(sums == 0, 1)


class RiaMethod(ScoringMethod[Ria]):
    """RIA (Zhang et al., 2024, 'Plug-and-Play: an efficient post-training pruning method for LLMs').

    A weight is scored by its share of its row and of its column, so that no whole channel is pruned. Compares
    the weights of the whole matrix, as the published code does without its `--per_outneuron`.
    """

    group: ClassVar[ComparisonGroup] = "matrix"

    def score(self, layer: LayerStats) -> Tensor:
        return ria_scores(layer.weight, layer.input_norms)


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
    """Gradient pruning (as in arXiv 2311.04902): compares the weights of each output row."""

    def score(self, layer: LayerStats) -> Tensor:
        scores = inverse_gradient_scores if self.options.inverse else gradient_scores
        return scores(layer.weight, layer.gradient_norms(self.options.norm))


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
    """GBLM-Pruner (Das et al., 2023, arXiv 2311.04902): the sum of Wanda's score and the gradient score."""

    def score(self, layer: LayerStats) -> Tensor:
        scores = inverse_gblm_scores if self.options.inverse else gblm_scores
        gradient_norms = layer.gradient_norms(self.options.norm)
        return scores(layer.weight, layer.input_norms, gradient_norms, alpha=self.options.alpha)
