"""The gradient of the calibration loss by the logits, without more copies of them than needed."""

import torch
from torch import Tensor

# Logits that are worked on together: on a CPU what its cache holds, on a GPU what keeps it busy.
_ELEMENTS_AT_ONCE = {"cpu": 1 << 20, "cuda": 1 << 27}

NOTHING_TO_PREDICT = -1


def loss_gradient(logits: Tensor, targets: Tensor) -> Tensor:
    """By the logits, the gradient of the sum over tokens of the next-token cross-entropy, in nats.

    `logits` (tokens, vocabulary); `targets` int64 (tokens,), the ids that follow, or NOTHING_TO_PREDICT.
    Returns (tokens, vocabulary) in the logits' dtype: softmax, less one at the target, formed in float32
    (float64 for float64). Of a sum where the loss is a mean: the gradients of a mean over thousands of tokens
    underflow in float16, so the division waits until they are float32 norms.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    gradient = torch.empty_like(logits)
    rows = max(1, _ELEMENTS_AT_ONCE[logits.device.type] // logits.shape[-1])
    for start in range(0, len(logits), rows):
        these, ids, result = (tensor[start : start + rows] for tensor in (logits, targets, gradient))
        wide = result if result.dtype == dtype else torch.empty_like(result, dtype=dtype)
        torch.softmax(these, dim=-1, dtype=dtype, out=wide)
        wide.scatter_add_(1, ids.clamp(min=0)[:, None], wide.new_full((len(ids), 1), -1))
        result.copy_(wide)
    gradient.index_fill_(0, (targets == NOTHING_TO_PREDICT).nonzero()[:, 0], 0)
    return gradient
