"""The loss and its gradient at the last block's output, through the model's own final norm and head.

The tokens go through in chunks, so that the logits of a whole micro-batch never exist.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from pruning.gradients.loss import IGNORE_INDEX, loss_gradient
from pruning.model.replay import Replay, equal_up_to_rounding

# The logits of one chunk, and the tokens below which a matrix product is slow.
_CHUNK_LOGITS = {"cpu": 1 << 23, "cuda": 1 << 27}
_MIN_CHUNK_TOKENS = {"cpu": 256, "cuda": 2048}


class LMHeadLoss:
    """The mean next-token cross-entropy of each window, as a function of the last block's output.

    Everything after the blocks (final norm, head, scaling and caps of logits) is run by the model's own
    forward pass. Chunks split windows, except in a model whose logits at one position depend on other
    positions.
    """

    def __init__(self, replay: Replay, loss_scale: int) -> None:
        """Everything around the blocks must be resident, here and in `gradient`."""
        self._replay = replay
        self._loss_scale = loss_scale
        self._is_positionwise = _is_positionwise(replay)

    def gradient(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Return the gradient of the summed, scaled losses with respect to `hidden`, in its shape and dtype.

        `hidden`: (windows, length, features), the last block's output. `tokens`: int64 (windows, length).
        """
        weight = self._loss_scale / (tokens.shape[1] - 1)
        targets = torch.full_like(tokens, IGNORE_INDEX)
        targets[:, :-1] = tokens[:, 1:]
        gradient = torch.empty_like(hidden)
        for chunk in self._chunks(tokens.shape, hidden.device.type):
            with torch.enable_grad():
                leaf = hidden[chunk].detach().requires_grad_()
                logits = self._replay.logits(leaf)
            at_logits = loss_gradient(logits.detach().flatten(0, 1), targets[chunk].flatten(), weight)
            (gradient[chunk],) = torch.autograd.grad(logits, leaf, at_logits.view_as(logits))
        return gradient

    def _chunks(self, shape: torch.Size, device: str) -> Iterator[tuple[slice, slice]]:
        """Yield slices of windows and positions that are processed together."""
        windows, length = shape
        vocabulary = self._replay.stack.model.config.get_text_config().vocab_size
        tokens = max(_MIN_CHUNK_TOKENS[device], _CHUNK_LOGITS[device] // vocabulary)
        rows = max(1, tokens // length)
        columns = min(length, tokens) if self._is_positionwise else length
        for row in range(0, windows, rows):
            for column in range(0, length, columns):
                yield slice(row, row + rows), slice(column, column + columns)


@torch.no_grad()
def _is_positionwise(replay: Replay) -> bool:
    """Whether logits depend only on the hidden states at their own position; tried on a few tokens."""
    hidden = replay.probe_output
    whole = replay.logits(hidden)
    half = hidden.shape[1] // 2
    return half > 0 and equal_up_to_rounding(
        torch.cat([replay.logits(hidden[:, :half]), replay.logits(hidden[:, half:])], 1), whole
    )
