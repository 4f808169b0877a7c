"""The loss and its gradient at the last block's output, through the model's own final norm and head.

The tokens go through in chunks, so that the logits of a whole micro-batch never exist.
"""

import torch
from torch import Tensor

from pruning.gradients.loss import IGNORE_INDEX, loss_gradient
from pruning.model.logits import LogitsByPosition
from pruning.model.replay import Replay


class LMHeadLoss:
    """The mean next-token cross-entropy of each window, as a function of the last block's output.

    Everything after the blocks (final norm, head, scaling and caps of logits) is run by the model's own
    forward pass. Chunks split windows, except in a model whose logits at one position depend on other
    positions.
    """

    def __init__(self, replay: Replay, loss_scale: int) -> None:
        """Everything around the blocks must be resident, here and in `gradient`."""
        self._logits = LogitsByPosition(replay)
        self._loss_scale = loss_scale

    def gradient(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Return the gradient of the summed, scaled losses with respect to `hidden`, in its shape and dtype.

        `hidden`: (windows, length, features), the last block's output. `tokens`: int64 (windows, length).
        """
        weight = self._loss_scale / (tokens.shape[1] - 1)
        targets = torch.full_like(tokens, IGNORE_INDEX)
        targets[:, :-1] = tokens[:, 1:]
        gradient = torch.empty_like(hidden)
        for chunk in self._logits.chunks(tokens.shape, hidden.device.type):
            with torch.enable_grad():
                leaf = hidden[chunk].detach().requires_grad_()
                logits = self._logits(leaf)
            at_logits = loss_gradient(logits.detach().flatten(0, 1), targets[chunk].flatten(), weight)
            (gradient[chunk],) = torch.autograd.grad(logits, leaf, at_logits.view_as(logits))
        return gradient
