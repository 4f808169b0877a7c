"""The loss of block reconstruction: how far a pruned block's output is from its target, token by token.

Massive activations of a few tokens would dominate a plain mean square error, so each token's error counts
relative to its target's own size.
"""

import torch
from torch import Tensor


def mixed_target(of_own_inputs: Tensor, of_dense_inputs: Tensor, toward: float) -> Tensor:
    """Return Y = (1 - t)·f(X_p; dense weights) + t·f(X_d; dense weights), t `toward`.

    f is the block with its residual, X_p the hidden states of the pruned model and X_d those of the dense
    one: (…, tokens, features) each.
    """
    wide = torch.promote_types(of_own_inputs.dtype, torch.float32)
    return torch.lerp(of_own_inputs.to(wide), of_dense_inputs.to(wide), toward).to(of_own_inputs.dtype)


def block_loss(output: Tensor, target: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """Return the gradient of weight·Σ over tokens ‖output - target‖² ÷ ‖target‖² and that sum without weight.

    `output`, `target`: (…, tokens, features); the target is a constant. `weight`: 1 ÷ tokens gives the mean.
    The gradient, with respect to the output, has its shape and dtype; the sum is float64 ().
    """
    wide = torch.promote_types(output.dtype, torch.float32)
    error, goal = (output - target).to(wide), target.to(wide)
    size = goal.square().sum(dim=-1, keepdim=True).clamp(min=torch.finfo(wide).tiny)
    total = (error.square().sum(dim=-1, keepdim=True) / size).sum(dtype=torch.float64)
    return (2 * weight * error / size).to(output.dtype), total
