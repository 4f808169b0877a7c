"""What a model does behind its blocks: the loss, and its gradient where the blocks end."""

from collections.abc import Iterator

import torch
from torch import Tensor

from pruning.gradients.loss import NOTHING_TO_PREDICT, loss_gradient
from pruning.model.replay import Replay, alike

# The logits that exist at a time, and the rows below which a matrix product is slow.
_LOGITS_AT_ONCE = {"cpu": 1 << 23, "cuda": 1 << 27}
_FEWEST_TOKENS = {"cpu": 256, "cuda": 2048}


class LMHeadLoss:
    """Final norm, head, and whatever the model does to its logits, run by the model's own forward pass.

    A few tokens at a time, so that the logits of a micro-batch never exist; whole windows in a model whose
    logits at one position depend on others'.
    """

    def __init__(self, replay: Replay, loss_scale: int) -> None:
        """All around the blocks must be resident, now and whenever gradients are asked for."""
        self._replay = replay
        self._loss_scale = loss_scale
        self._by_position = _is_by_position(replay)

    def gradient(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """By what the last block returns, the gradient of the scaled mean loss of every window: its shape.

        `hidden` (windows, length, features), `tokens` int64 (windows, length).
        """
        weight = self._loss_scale / (tokens.shape[1] - 1)
        targets = torch.full_like(tokens, NOTHING_TO_PREDICT)
        targets[:, :-1] = tokens[:, 1:]
        gradient = torch.empty_like(hidden)
        for part in self._parts(tokens.shape, hidden.device.type):
            with torch.enable_grad():
                given = hidden[part].detach().requires_grad_()
                logits = self._replay.leave(given)
            by_logits = loss_gradient(logits.detach().flatten(0, 1), targets[part].flatten(), weight)
            (gradient[part],) = torch.autograd.grad(logits, given, by_logits.view_as(logits))
        return gradient

    def _parts(self, shape: torch.Size, device: str) -> Iterator[tuple[slice, slice]]:
        """Windows and positions that are worked on together."""
        windows, length = shape
        vocabulary = self._replay.stack.model.config.get_text_config().vocab_size
        at_once = max(_FEWEST_TOKENS[device], _LOGITS_AT_ONCE[device] // vocabulary)
        rows = max(1, at_once // length)
        columns = min(length, at_once) if self._by_position else length
        for row in range(0, windows, rows):
            for column in range(0, length, columns):
                yield slice(row, row + rows), slice(column, column + columns)


@torch.no_grad()
def _is_by_position(replay: Replay) -> bool:
    """Whether logits depend on nothing but the hidden states at their own position."""
    hidden = replay.probe_output
    whole = replay.leave(hidden)
    half = hidden.shape[1] // 2
    return half > 0 and alike(
        torch.cat([replay.leave(hidden[:, :half]), replay.leave(hidden[:, half:])], 1), whole
    )
