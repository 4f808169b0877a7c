"""The loss of distillation: how far the pruned model's next-token distribution is from the dense model's."""

import torch
import torch.nn.functional as F
from torch import Tensor

from pruning.estimate.pieces import WIDE_LOGITS


def distillation_loss(logits: Tensor, dense_logits: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """Return the gradient of weight·Σ KL(dense ‖ pruned) with respect to the logits, and that sum.

    With p the pruned and d the dense model's distribution over the vocabulary at temperature 1, a position's
    loss is KL(d ‖ p) = Σ d·(log d - log p), with the gradient p - d.

    Parameters
    ----------
    logits, dense_logits
        (tokens, vocabulary).
    weight
        What each position counts: 1 ÷ positions gives the mean.

    Returns
    -------
    gradient
        In the shape and dtype of the logits.
    total
        float64 (): the sum of KL over all tokens, in nats, without the weight.
    """
    gradient = torch.empty_like(logits)
    total = torch.zeros((), dtype=torch.float64, device=logits.device)
    rows = max(1, WIDE_LOGITS[logits.device.type] // logits.shape[-1])
    for start in range(0, len(logits), rows):
        piece = slice(start, start + rows)
        gradient[piece] = _chunk_loss(logits[piece], dense_logits[piece], weight, total)
    return gradient, total


def _chunk_loss(logits: Tensor, dense_logits: Tensor, weight: float, total: Tensor) -> Tensor:
    wide = torch.promote_types(logits.dtype, torch.float32)
    log_pruned = F.log_softmax(logits.to(wide), dim=-1)
    log_dense = F.log_softmax(dense_logits.to(wide), dim=-1)
    dense = log_dense.exp()
    terms = (dense * (log_dense - log_pruned)).masked_fill_(dense == 0, 0.0)  # 0·log 0 = 0
    total += terms.sum(dtype=torch.float64)
    return weight * (log_pruned.exp() - dense)
