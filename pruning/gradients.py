"""Gradient norms over calibration windows, formed inside the backward pass."""

from collections.abc import Callable, Collection

from torch import Tensor
from transformers import PreTrainedModel

from pruning.recipe import GradientNorm

GradientNorms = dict[GradientNorm, dict[str, Tensor]]


def gradient_norms(
    model: PreTrainedModel,
    windows: Tensor,
    *,
    norms: Collection[GradientNorm],
    step: Callable[[int, int], None],
) -> GradientNorms:
    """Per weight of the blocks' linear layers, the norm over windows of the loss gradient.

    `windows`: token ids, int64 (windows, length), on any device. The loss of a window is the mean next-token
    cross-entropy of its length - 1 predictions. Returns, per norm asked for and per layer name, a float32
    (float64 for a float64 model) tensor (outputs, inputs) on the model's device, without any scale:
    l1 is Σ|g|, l2 is sqrt(Σ g²).

    `step(done, total)` is called after each micro-batch; what it raises ends the pass.
    """
    raise NotImplementedError
