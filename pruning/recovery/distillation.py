"""The loss of distillation: how far the pruned model's next-token distribution is from the dense model's."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pruning.data.training_windows import IGNORE_INDEX

# Elements per piece, for each of which some float32 tensors exist. A CPU's fit its cache; a GPU's keep it
# busy.
_ELEMENTS_AT_ONCE = {"cpu": 1 << 20, "cuda": 1 << 25}


@dataclass(frozen=True)
class LossWeights:
    """What each position counts in the loss of a step, so that it is a weighted sum of two means."""

    divergence: float  # the factor of a position's KL(dense ‖ pruned)
    cross_entropy: float  # the factor of a target's cross-entropy

    @classmethod
    def of_means(cls, share: float, *, positions: int, targets: int) -> "LossWeights":
        """Return (1 - share)·mean over positions of KL + share·mean over targets of cross-entropy."""
        return cls((1 - share) / positions, share / max(1, targets))

    def times(self, scale: float) -> "LossWeights":
        """Return both factors times `scale`."""
        return LossWeights(self.divergence * scale, self.cross_entropy * scale)


def distillation_loss(
    logits: Tensor, dense_logits: Tensor | None, targets: Tensor, weights: LossWeights
) -> tuple[Tensor, Tensor]:
    """Return the gradient of the loss with respect to the logits, and the sums that the loss consists of.

    With p the pruned and d the dense model's distribution over the vocabulary at temperature 1, a position's
    loss is KL(d ‖ p) = Σ d·(log d - log p), with the gradient p - d; a target's is -log p(target), with the
    gradient p - 1 at the target.

    Parameters
    ----------
    logits, dense_logits
        (tokens, vocabulary). Without the dense ones there is no divergence.
    targets
        The next tokens' ids, int64 (tokens,), or IGNORE_INDEX.
    weights
        The factors of both losses.

    Returns
    -------
    gradient
        In the shape and dtype of the logits.
    sums
        float64 (2,): of KL over all tokens, and of cross-entropy over all targets, in nats.
    """
    gradient = torch.empty_like(logits)
    sums = torch.zeros(2, dtype=torch.float64, device=logits.device)
    rows = max(1, _ELEMENTS_AT_ONCE[logits.device.type] // logits.shape[-1])
    for start in range(0, len(logits), rows):
        piece = slice(start, start + rows)
        dense = None if dense_logits is None else dense_logits[piece]
        gradient[piece] = _of_piece(logits[piece], dense, targets[piece], weights, sums)
    return gradient, sums


def _of_piece(
    logits: Tensor, dense_logits: Tensor | None, targets: Tensor, weights: LossWeights, sums: Tensor
) -> Tensor:
    wide = torch.promote_types(logits.dtype, torch.float32)
    log_pruned = F.log_softmax(logits.to(wide), dim=-1)
    pruned = log_pruned.exp()
    gradient = torch.zeros_like(pruned)
    if dense_logits is not None:
        log_dense = F.log_softmax(dense_logits.to(wide), dim=-1)
        dense = log_dense.exp()
        terms = (dense * (log_dense - log_pruned)).masked_fill_(dense == 0, 0.0)  # 0·log 0 = 0
        sums[0] += terms.sum(dtype=torch.float64)
        gradient += weights.divergence * (pruned - dense)
    predicts = targets != IGNORE_INDEX
    at_target = targets.clamp(min=0)[:, None]
    losses = -log_pruned.gather(1, at_target)[:, 0].masked_fill(~predicts, 0.0)
    sums[1] += losses.sum(dtype=torch.float64)
    if weights.cross_entropy:
        factor = weights.cross_entropy * predicts.to(wide)[:, None]
        gradient += factor * pruned
        gradient.scatter_add_(1, at_target, -factor)
    return gradient
