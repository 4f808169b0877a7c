"""The loss and its gradient at the last block's output, through the model's own final norm and head.

The tokens go through in chunks, so that the logits of a whole micro-batch never exist. They are the largest
tensor of a pass: their loss at once would need three float32 copies of them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pruning.estimate.pieces import WIDE_LOGITS
from pruning.models.replay import LogitsByPosition, Replay

IGNORE_INDEX = -1
"""The target of a token that predicts nothing: the last one of a window."""


class LMHeadLoss:
    """The mean next-token cross-entropy of each window, as a function of the last block's output.

    Everything after the blocks (final norm, head, scaling and caps of logits) is run by the model's own
    forward pass. Chunks split windows, except in a model whose logits at one position depend on other
    positions.
    """

    def __init__(self, replay: Replay, loss_scale: int) -> None:
        """The outer modules must be resident, here and in `gradient`."""
        self._logits = LogitsByPosition(replay)
        self._loss_scale = loss_scale

    def gradient(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Return the gradient of the summed, scaled losses with respect to `hidden`, in its shape and dtype.

        `hidden`: (windows, length, features), the last block's output. `tokens`: int64 (windows, length).
        """
        gradient = torch.empty_like(hidden)
        weight = self._loss_scale / (tokens.shape[1] - 1)
        targets = torch.full_like(tokens, IGNORE_INDEX)
        targets[:, :-1] = tokens[:, 1:]
        for chunk in self._logits.chunks(tokens.shape, hidden.device.type):
            with torch.enable_grad():
                leaf = hidden[chunk].detach().requires_grad_()
                logits = self._logits(leaf)
            delta = loss_gradient(logits.detach().flatten(0, 1), targets[chunk].flatten(), weight)
            (gradient[chunk],) = torch.autograd.grad(logits, leaf, delta.view_as(logits))
        return gradient


def loss_scale(dtype: torch.dtype, length: int) -> int:
    """Return the factor by which a pass in `dtype` scales the mean loss of windows of `length` tokens.

    It is 1, but length - 1 in float16, where the gradients of a mean over thousands of tokens underflow.
    """
    return length - 1 if dtype == torch.float16 else 1


def loss_gradient(logits: Tensor, targets: Tensor, weight: float) -> Tensor:
    """Return the gradient of the summed cross-entropy (in nats) with respect to the logits.

    `logits`: (tokens, vocabulary). `targets`: int64 (tokens,), the next token's id, or IGNORE_INDEX.
    `weight`: the factor of each token's loss. The result, (softmax - one-hot target) · weight, has the shape
    and dtype of the logits.

    It is computed in float32 (float64 for float64) by torch's own cross-entropy: other rounding here changes
    the sixth digit of gradients thirty blocks below.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    gradient = torch.empty_like(logits)
    rows = max(1, WIDE_LOGITS[logits.device.type] // logits.shape[-1])
    for start in range(0, len(logits), rows):
        chunk, ids, result = (tensor[start : start + rows] for tensor in (logits, targets, gradient))
        with torch.enable_grad():
            wide = chunk.detach().to(dtype).requires_grad_()
            loss = weight * F.cross_entropy(wide, ids, ignore_index=IGNORE_INDEX, reduction="sum")
        result.copy_(torch.autograd.grad(loss, wide)[0])
    return gradient
