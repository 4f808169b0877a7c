"""Adam on the weights that pruning has kept (Kingma and Ba, 2015, arXiv 1412.6980), without weight decay."""

import math

import torch
from torch import Tensor

from pruning.masks.packed import set_to_zero

# Of the running means of the gradient and of its square. A recovery takes hundreds of steps, after which the
# usual 0.999 would still remember the first ones.
_BETAS = (0.9, 0.95)
# Far below the usual 1e-8: a loss that is relative to the size of hidden states has smaller gradients, whose
# steps that would shorten. Its square may underflow, since it is added to the root.
_EPSILON = 1e-15
# The least mean of squares that counts. A CPU takes the root of zero, which all pruned weights have, twelve
# times as slowly as others; this one's is a ten-thousandth of epsilon.
_LEAST_SQUARE = torch.finfo(torch.float32).tiny
_WARM_UP = 0.05  # the share of the steps in which the rate rises
RATE = 5e-4
"""The highest learning rate, of a parameter whose `rate_factor` is 1."""
_LEAST_SIZE = 1e-3  # of a parameter, so that one of zeros can be trained (Adafactor's ε₂)
_LEAST_KEPT = 0.1  # a share that is smaller raises the rate no further


def rate_factor(size: float, kept: float) -> float:
    """Return by what the rate is multiplied for one parameter.

    A step of Adam moves each weight by about the rate, whatever the weights are, so that it moves a layer's
    output, relative to what that is, by as much as there are inputs to it, and by as much as its weights are
    small. So the rate is relative to a parameter's `size`, the root mean square of its weights with its zeros
    (Adafactor, arXiv 1804.04235, section 8), and of fewer inputs, of which it `kept` a share, it takes larger
    steps (SμPar, arXiv 2405.15743).
    """
    return max(size, _LEAST_SIZE) / max(kept, _LEAST_KEPT)


def adam_step(
    weight: Tensor,
    gradient: Tensor,
    moments: tuple[Tensor, Tensor],
    *,
    mask: Tensor | None,
    rate: float,
    step: int,
) -> None:
    """Change `weight` and `moments` in place by one step.

    Parameters
    ----------
    weight
        Float32 or float64, of any shape.
    gradient
        Of the loss, in the weight's shape and dtype. It is changed: zero where the mask is True.
    moments
        The running means of the gradient and of its square; zero before the first step.
    mask
        Bool, True where a weight is pruned: such a weight stays +0.0. None: all weights are trained.
    rate
        The learning rate of this step.
    step
        The number of this step, from 1.
    """
    first, second = moments
    if mask is not None:
        set_to_zero(gradient, mask)
    first.lerp_(gradient, 1 - _BETAS[0])
    second.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
    size = second.clamp(min=_LEAST_SQUARE).sqrt_().div_(math.sqrt(1 - _BETAS[1] ** step)).add_(_EPSILON)
    weight.addcdiv_(first, size, value=-rate / (1 - _BETAS[0] ** step))
    if mask is not None:
        set_to_zero(weight, mask)


def cosine(step: int, steps: int) -> float:
    """Return the rate's factor in step 1 to `steps`: it rises for a twentieth of them, then falls to 0."""
    rising = math.ceil(_WARM_UP * steps)
    if step <= rising:
        return step / rising
    return (1 + math.cos(math.pi * (step - rising) / (steps - rising + 1))) / 2
