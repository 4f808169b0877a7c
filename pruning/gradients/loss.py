"""The gradient of the calibration loss by the logits, without more copies of them than needed."""

import torch
import torch.nn.functional as F
from torch import Tensor

# Logits that are worked on together, with three float32 tensors of their size beside them: on a CPU what its
# cache holds, on a GPU what keeps it busy.
_ELEMENTS_AT_ONCE = {"cpu": 1 << 20, "cuda": 1 << 25}

NOTHING_TO_PREDICT = -1


def loss_scale(dtype: torch.dtype, length: int) -> int:
    """By how much the loss of windows of this length is larger than the mean over its predictions, in a pass
    that computes in `dtype`: the gradients of a mean over thousands of tokens underflow in float16.
    """
    return length - 1 if dtype == torch.float16 else 1


def loss_gradient(logits: Tensor, targets: Tensor, weight: float) -> Tensor:
    """By the logits, the gradient of the sum over tokens of the next-token cross-entropy, in nats.

    `logits` (tokens, vocabulary); `targets` int64 (tokens,), the ids that follow, or NOTHING_TO_PREDICT;
    `weight`: of each token's loss in the sum. Returns (tokens, vocabulary) in the logits' dtype: softmax,
    less one at the target, times the weight. Formed in float32 (float64 for float64), by torch's own
    cross-entropy: what is rounded otherwise here changes the sixth digit of gradients thirty blocks away.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    gradient = torch.empty_like(logits)
    rows = max(1, _ELEMENTS_AT_ONCE[logits.device.type] // logits.shape[-1])
    for start in range(0, len(logits), rows):
        these, ids, result = (tensor[start : start + rows] for tensor in (logits, targets, gradient))
        with torch.enable_grad():
            wide = these.detach().to(dtype).requires_grad_()
            loss = weight * F.cross_entropy(wide, ids, ignore_index=NOTHING_TO_PREDICT, reduction="sum")
        result.copy_(torch.autograd.grad(loss, wide)[0])
    return gradient
