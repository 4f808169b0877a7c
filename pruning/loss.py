"""The calibration loss and its gradient, without more copies of the logits than needed."""

from typing import Any

import torch
from torch import Tensor

# Logits that are worked on together: on a CPU what its cache holds, on a GPU what keeps it busy.
_ELEMENTS_AT_ONCE = {"cpu": 1 << 20, "cuda": 1 << 27}


def summed_token_losses(logits: Tensor, tokens: Tensor) -> Tensor:
    """Σ over windows and positions of the next-token cross-entropy, in nats.

    `logits` (windows, length, vocabulary), `tokens` int64 (windows, length). Returns a float32 scalar
    (float64 for float64 logits) that can be differentiated once. A sum where the loss is a mean: the
    gradients of a mean over thousands of tokens underflow in float16, so the division waits until they are
    float32 norms.
    """
    losses: Tensor = _SummedTokenLosses.apply(logits, tokens)  # type: ignore[no-untyped-call]
    return losses


class _SummedTokenLosses(torch.autograd.Function):
    """Forms the gradient while the probabilities are at hand: softmax, less one at the target.

    Autograd's own composition keeps the log-probabilities of the whole vocabulary for every token, and
    fills another tensor of that size with zeros on the way back; at the top of a small model that is a good
    part of the time.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, tokens: Tensor) -> Tensor:  # noqa: ANN401 - autograd's context
        dtype = torch.promote_types(logits.dtype, torch.float32)
        gradient = torch.empty_like(logits)
        total = torch.zeros((), dtype=dtype, device=logits.device)
        rows = max(1, _ELEMENTS_AT_ONCE[logits.device.type] // logits.shape[-1])
        predictions = logits.shape[1] - 1
        for window, ids, window_gradient in zip(logits, tokens, gradient, strict=True):
            for start in range(0, predictions, rows):
                stop = min(start + rows, predictions)
                targets = ids[start + 1 : stop + 1, None]
                log_probabilities = window[start:stop].to(dtype).log_softmax(dim=-1)
                total -= log_probabilities.gather(1, targets).sum()
                probabilities = log_probabilities.exp_()
                window_gradient[start:stop] = probabilities.scatter_add_(
                    1, targets, probabilities.new_full(targets.shape, -1)
                )
            window_gradient[predictions:] = 0  # the last position has nothing to predict
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (gradient,) = ctx.saved_tensors
        (scale,) = upstream
        return gradient if scale == 1 else gradient * scale, None
